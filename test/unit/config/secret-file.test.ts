// The file of the cluster's secret: made once by whoever is first, private, and read by all others.

import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readConfig } from "../../../src/config.ts";
import { readSecretFile } from "../../../src/config/secret-file.ts";

const NAME = "KINTSUGI_CLUSTER_SECRET_FILE";
let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kintsugi-secret-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const node = (path: string, mayCreate: boolean) =>
  readConfig({ role: "node", args: [], env: { [NAME]: path }, mayCreate });

test("an absent file is made with a random secret that only its owner can read", async () => {
  const path = join(folder, "shared", "secret");
  const { settings } = await node(path, true);
  expect(settings.clusterSecret).toMatch(/^[0-9a-f]{64}$/);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await node(path, true)).settings.clusterSecret).toBe(settings.clusterSecret);
});

test("many that start at once all get the same secret, and leave no drafts", async () => {
  const path = join(folder, "secret");
  const secrets = await Promise.all(
    Array.from({ length: 20 }, () => readSecretFile(path, { name: NAME, mayCreate: true })),
  );
  expect(new Set(secrets).size).toBe(1);
  expect(await readdir(folder)).toEqual(["secret"]);
});

test("an empty file is waited for until somebody has filled it", async () => {
  const path = join(folder, "secret");
  await writeFile(path, "");
  const reading = readSecretFile(path, { name: NAME, mayCreate: true });
  await writeFile(path, "filled by another\n");
  expect(await reading).toBe("filled by another");
});

test("kintsugi config makes no file", async () => {
  await expect(node(join(folder, "secret"), false)).rejects.toThrow(/there is no file/);
  expect(await readdir(folder)).toEqual([]);
});

test("a secret that is too short is refused and left as it is", async () => {
  const path = join(folder, "secret");
  await writeFile(path, "short\n");
  await expect(node(path, true)).rejects.toThrow(/must have 32 characters or more/);
  expect(await readFile(path, "utf8")).toBe("short\n");
});
