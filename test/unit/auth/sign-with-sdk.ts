// Requests as the AWS SDK signs them, caught before they leave.

import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import type { WireRequest } from "../../../src/core/wire-request.ts";
import { EXAMPLE_KEY, EXAMPLE_SECRET, givenRequest } from "./given-request.ts";

interface CaughtRequest {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
}

export function givenClient(config: S3ClientConfig = {}): S3Client {
  return new S3Client({
    region: "us-east-1",
    endpoint: "http://localhost:9000",
    forcePathStyle: true,
    credentials: { accessKeyId: EXAMPLE_KEY, secretAccessKey: EXAMPLE_SECRET },
    ...config,
  });
}

/** What `send` would have put on the wire. */
export async function catchRequest(
  client: S3Client,
  send: (client: S3Client) => Promise<unknown>,
): Promise<WireRequest> {
  const caught: CaughtRequest[] = [];
  client.config.requestHandler = {
    handle: (request: CaughtRequest) => {
      caught.push(request);
      return Promise.reject(new Error("caught"));
    },
  };
  await send(client).catch(() => undefined);
  const [request] = caught;
  if (request === undefined) throw new Error("nothing was sent");
  return toWire(request);
}

function toWire({ method, path, query = {}, headers }: CaughtRequest): WireRequest {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (value === null ? [""] : [value].flat()).map((one) => `${escape(name)}=${escape(one)}`),
  );
  return givenRequest(method, pairs.length === 0 ? path : `${path}?${pairs.join("&")}`, headers);
}

/** As the SDK's own handler writes queries. */
function escape(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
