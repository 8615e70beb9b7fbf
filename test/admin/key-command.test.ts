// `kintsugi key` as a process, beside a server that is one: encryption is off until a copy of the master key was taken, and
// on from then on, after a restart as well; a key that is given needs no copy.

import { randomBytes } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { givenFolder, runProcess, startProcess } from "../support/kintsugi-process.ts";
import { sdkClientOf } from "../support/sdk-client.ts";

const KEYS = {
  KINTSUGI_ACCESS_KEY: "command-root",
  KINTSUGI_SECRET_KEY: "command-secret-0123456789",
};

const clientOf = (endpoint = "", secretKey: string) =>
  sdkClientOf(endpoint, { accessKey: KEYS.KINTSUGI_ACCESS_KEY, secretKey });

async function givenServer(folder: string, env: Readonly<Record<string, string>> = {}) {
  const args = ["server", folder, "--port", "0", "--json"];
  const server = startProcess(args, { env: { ...KEYS, KINTSUGI_LOG_LEVEL: "info", ...env } });
  await server.ready();
  const banner = JSON.parse(server.stdout.split("\n")[0] ?? "") as Record<string, string>;
  const client = clientOf(banner["endpoint"], KEYS.KINTSUGI_SECRET_KEY);
  const key = (...words: readonly string[]) =>
    runProcess(["key", ...words, "--endpoint", banner["adminEndpoint"] ?? ""], { env: KEYS });
  return { server, client, key };
}

const NAME = { Bucket: "bucket", Key: "key" };
const put = (client: S3Client) =>
  client.send(new PutObjectCommand({ ...NAME, Body: "words", ServerSideEncryption: "AES256" }));
const get = async (client: S3Client) =>
  (await client.send(new GetObjectCommand(NAME))).Body?.transformToString();

test("refused, exported, used; kept over a restart; and never in the log", async () => {
  const folder = await givenFolder();
  const first = await givenServer(folder);
  await first.client.send(new CreateBucketCommand({ Bucket: "bucket" }));
  await expect(put(first.client)).rejects.toMatchObject({
    name: "InvalidRequest",
    message: expect.stringContaining("kintsugi key export") as string,
  });
  const before = await first.key();
  expect(before).toMatchObject({ code: 1 });
  expect(before.stdout).toMatch(/^master key {2}none\nencryption {2}off\n/);

  const file = join(await givenFolder(), "master.key");
  const exported = await first.key("export", file);
  expect(exported, exported.stderr).toMatchObject({ code: 0, stdout: "" });
  const text = await readFile(file, "utf8");
  const [, id] = /master key ([0-9a-f]{16})\n/.exec(text) ?? [];
  const [secret] = /^[0-9a-f]{64}$/m.exec(text) ?? [];
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(exported.stderr).toContain(id);
  expect(exported.stderr).not.toContain(secret);
  expect(await first.key("export", file)).toMatchObject({ code: 2 });
  await put(first.client);
  expect(await get(first.client)).toBe("words");
  const { stderr: log } = await first.server.stop();

  const second = await givenServer(folder);
  expect(await second.key()).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(id ?? "") as string,
  });
  expect(await get(second.client)).toBe("words");
  await second.server.stop();

  // The root secret, which the key is sealed with, has changed: the exported file brings it back.
  const changed = { KINTSUGI_SECRET_KEY: "another-secret-0123456789" };
  const third = startProcess(
    ["server", folder, "--port", "0", "--json", "--master-key-file", file],
    { env: { ...KEYS, ...changed } },
  );
  await third.ready();
  const banner = JSON.parse(third.stdout.split("\n")[0] ?? "") as Record<string, string>;
  const client = clientOf(banner["endpoint"], changed.KINTSUGI_SECRET_KEY);
  expect(await get(client)).toBe("words");
  expect(log).not.toContain(secret);
});

test("given keys are used at once; what is none stops the start, and is not shown", async () => {
  const key = randomBytes(32).toString("hex");
  const { client, key: command } = await givenServer(await givenFolder(), {
    KINTSUGI_MASTER_KEY: key,
  });
  await client.send(new CreateBucketCommand({ Bucket: "bucket" }));
  await put(client);
  expect(await command()).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("given") as string,
  });
  expect(await command("export")).toMatchObject({ code: 2, stdout: "" });
  expect(await command("remove")).toMatchObject({ code: 2 });

  const bad = `${key}0`;
  const refused = await runProcess(["server", await givenFolder(), "--port", "0"], {
    env: { ...KEYS, KINTSUGI_MASTER_KEY: bad },
  });
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain("openssl rand -hex 32");
  expect(refused.stderr).not.toContain(key);
  const file = join(await givenFolder(), "keys");
  await writeFile(file, "# none\n");
  const both = await runProcess(["config", "--master-key-file", file], {
    env: { KINTSUGI_MASTER_KEY: key },
  });
  expect(both.stdout).not.toContain(key);
});
