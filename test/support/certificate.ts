// A self-signed certificate, made here: test machines need no openssl for it.
// https://datatracker.ietf.org/doc/html/rfc5280#section-4.1

import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

export interface TestCertificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OBJECT_ID = 0x06;
const UTF8 = 0x0c;
const UTC_TIME = 0x17;
/** ecdsa-with-SHA256. */
const SIGNATURE_ALGORITHM = der(SEQUENCE, der(OBJECT_ID, Buffer.from("2a8648ce3d040302", "hex")));
const COMMON_NAME = der(OBJECT_ID, Buffer.from("550403", "hex"));
const DAY_MS = 86_400_000;

/** Good from yesterday on, for so many days from now. */
export function makeCertificate(commonName: string, days = 30): TestCertificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const text = der(UTF8, Buffer.from(commonName, "utf8"));
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, text)));
  const [from, to] = [Date.now() - DAY_MS, Date.now() + days * DAY_MS].map(timeOf);
  const content = der(
    SEQUENCE,
    // A leading 0x01 keeps the number positive and its encoding the shortest.
    der(INTEGER, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    SIGNATURE_ALGORITHM,
    name,
    der(SEQUENCE, from ?? Buffer.of(), to ?? Buffer.of()),
    name,
    publicKey.export({ type: "spki", format: "der" }),
  );
  const signature = sign("sha256", content, privateKey);
  // The first byte of a bit string says how many bits of the last one are unused.
  const signed = der(BIT_STRING, Buffer.concat([Buffer.from([0]), signature]));
  const bytes = der(SEQUENCE, content, SIGNATURE_ALGORITHM, signed);
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** 20261121140000Z in its two-digit form. */
function timeOf(timeMs: number): Buffer {
  const digits = new Date(timeMs).toISOString().replaceAll(/[^0-9]/g, "");
  return der(UTC_TIME, Buffer.from(`${digits.slice(2, 14)}Z`));
}

function der(tag: number, ...pieces: readonly Buffer[]): Buffer {
  const content = Buffer.concat(pieces);
  const size = content.length;
  const length =
    size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}
