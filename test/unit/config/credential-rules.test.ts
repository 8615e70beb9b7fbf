// Which secrets are refused: S87 (the cluster's secret) and S91 (pairs that everybody knows).

import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { readConfig } from "../../../src/config.ts";
import type { Environment } from "../../../src/config/environment.ts";

const ROOT = {
  KINTSUGI_ACCESS_KEY: "operator",
  KINTSUGI_SECRET_KEY: "a-root-secret-of-36-characters-000000",
};
const NODES = ["--nodes", "http://a:9100"];

const gateway = (env: Environment) =>
  readConfig({ role: "gateway", args: NODES, env, mayCreate: false });
const server = (env: Environment, args: readonly string[] = []) =>
  readConfig({ role: "server", args, env, mayCreate: false });

const sha256 = (text: string, encoding: "base64" | "hex") =>
  createHash("sha256").update(text).digest(encoding);

test("S87: a cluster secret of less than 32 characters stops the start", async () => {
  const env = { ...ROOT, KINTSUGI_CLUSTER_SECRET: "x".repeat(31) };
  await expect(gateway(env)).rejects.toThrow(/KINTSUGI_CLUSTER_SECRET must have 32 characters/);
});

test.each([
  ["equal to it", ROOT.KINTSUGI_SECRET_KEY],
  ["containing it", `cluster-${ROOT.KINTSUGI_SECRET_KEY}-1`],
  ["in other letters", ROOT.KINTSUGI_SECRET_KEY.toUpperCase()],
  ["a piece of it", ROOT.KINTSUGI_SECRET_KEY.slice(0, 33)],
  ["its Base64", Buffer.from(ROOT.KINTSUGI_SECRET_KEY).toString("base64")],
  ["its hex", Buffer.from(ROOT.KINTSUGI_SECRET_KEY).toString("hex")],
  ["its SHA-256", sha256(ROOT.KINTSUGI_SECRET_KEY, "hex")],
  ["the SHA-256 of both keys", sha256(`operator:${ROOT.KINTSUGI_SECRET_KEY}`, "base64")],
])("S87: a cluster secret made from the root secret (%s) stops the start", async (_how, secret) => {
  const env = { ...ROOT, KINTSUGI_CLUSTER_SECRET: secret };
  await expect(gateway(env)).rejects.toThrow(/must not be the root secret key or made from it/);
});

test("S87: a cluster secret of its own is taken", async () => {
  const env = { ...ROOT, KINTSUGI_CLUSTER_SECRET: sha256("something else", "hex") };
  expect((await gateway(env)).settings.clusterSecret).toBe(env.KINTSUGI_CLUSTER_SECRET);
});

const KNOWN_PAIRS = [
  ["minioadmin", "minioadmin"],
  ["admin", "password"],
  ["test", "test"],
  ["root", "changeme"],
  ["same-as-the-secret", "same-as-the-secret"],
  ["operator", "short"],
];

test.each(KNOWN_PAIRS)("S91: %s / %s is refused where others can reach us", async (key, secret) => {
  const env = { KINTSUGI_ACCESS_KEY: key, KINTSUGI_SECRET_KEY: secret };
  for (const host of ["0.0.0.0", "::", "192.168.1.2", "s3.example.com"]) {
    await expect(server(env, ["--host", host])).rejects.toThrow(/opens the server to all/);
  }
});

test.each(KNOWN_PAIRS)("S91: %s / %s is allowed on loopback", async (key, secret) => {
  const env = { KINTSUGI_ACCESS_KEY: key, KINTSUGI_SECRET_KEY: secret };
  for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"]) {
    expect((await server(env, ["--host", host])).settings.secretKey).toBe(secret);
  }
});

test("S91: a known pair of a user is refused too", async () => {
  const users = [{ name: "ann", accessKey: "minio", secretKey: "minio123" }];
  const env = { KINTSUGI_USERS: JSON.stringify(users) };
  await expect(server(env, ["--host", "0.0.0.0"])).rejects.toThrow(/everybody knows/);
});
