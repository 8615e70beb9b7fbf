// `kintsugi status` and its like as processes, beside a server that is one: how they find it and its key, and their exit
// codes. What they print is tested in status.test.ts.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeCertificate } from "../support/certificate.ts";
import { givenFolder, runProcess, startProcess } from "../support/kintsugi-process.ts";

const KEYS = {
  KINTSUGI_ACCESS_KEY: "command-root",
  KINTSUGI_SECRET_KEY: "command-secret-0123456789",
};

async function givenServer(args: readonly string[] = []) {
  const folder = await givenFolder();
  const env = { ...KEYS, KINTSUGI_LOG_LEVEL: "warn" };
  const server = startProcess(["server", folder, "--port", "0", "--json", ...args], { env });
  await server.ready();
  const banner = JSON.parse(server.stdout.split("\n")[0] ?? "") as Record<string, string>;
  return { server, endpoint: banner["adminEndpoint"] ?? "", s3: banner["endpoint"] ?? "" };
}

test("the banner names the admin API, and status, verify, drive, compact and sweep ask it", async () => {
  const { endpoint } = await givenServer();
  const asked = ["--endpoint", endpoint];
  const sweep = ["sweep", "--dry-run"];
  for (const command of [["status"], ["verify"], ["drive"], ["compact", "--all"], sweep]) {
    const exit = await runProcess([...command, ...asked], { env: KEYS });
    expect(exit, exit.stderr).toMatchObject({ code: 0 });
    expect(exit.stdout).not.toBe("");
  }
  const json = await runProcess(["status", "--json", ...asked], { env: KEYS });
  expect(JSON.parse(json.stdout)).toMatchObject({ isWell: true });
});

test("keys may be those that S3 clients take, and the endpoint a variable or the server's own settings", async () => {
  const { endpoint } = await givenServer();
  const aws = {
    AWS_ACCESS_KEY_ID: KEYS.KINTSUGI_ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: KEYS.KINTSUGI_SECRET_KEY,
  };
  const byVariable = await runProcess(["status"], {
    env: { ...aws, KINTSUGI_ADMIN_ENDPOINT: endpoint },
  });
  expect(byVariable).toMatchObject({ code: 0 });
  const { port } = new URL(endpoint);
  const bySettings = await runProcess(["status"], { env: { ...KEYS, KINTSUGI_ADMIN_PORT: port } });
  expect(bySettings).toMatchObject({ code: 0 });
});

test.each([
  ["without keys", ["status"], {}, /KINTSUGI_ACCESS_KEY and KINTSUGI_SECRET_KEY/],
  [
    "where nothing answers",
    ["status", "--endpoint", "http://127.0.0.1:1"],
    KEYS,
    /nothing answers/,
  ],
  ["with a folder", ["status", "./data"], KEYS, /it asks a running server/],
  ["with an endpoint that is none", ["verify", "--endpoint", "here"], KEYS, /must be a URL/],
  ["with two places", ["verify", "a", "b"], KEYS, /takes one operand/],
  ["with a flag of another", ["sweep", "--all"], KEYS, /unknown flag --all/],
])("%s the exit code is 2, in words", async (_what, args, env, words) => {
  const exit = await runProcess(args, { env });
  expect(exit).toMatchObject({ code: 2, stdout: "" });
  expect(exit.stderr).toMatch(words);
  expect(exit.stderr).not.toMatch(/ at .*\.js/);
});

test("with --admin-port none there is no admin API; a port that was asked for must be free", async () => {
  const { server, endpoint } = await givenServer(["--admin-port", "none"]);
  expect(endpoint).toBe("");
  expect(server.stdout).not.toContain("adminEndpoint");
  const { endpoint: taken } = await givenServer();
  const { port } = new URL(taken);
  const args = ["server", await givenFolder(), "--port", "0", "--admin-port", port];
  const refused = await runProcess(args, { env: KEYS });
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain(
    `port ${port} of 127.0.0.1 is in use: give another with --admin-port`,
  );
});

test("an admin API that other machines can reach is refused a key that everybody knows", async () => {
  const env = { KINTSUGI_ACCESS_KEY: "root", KINTSUGI_SECRET_KEY: "password" };
  const args = ["server", await givenFolder(), "--port", "0", "--admin-host", "0.0.0.0"];
  const exit = await runProcess(args, { env });
  expect(exit).toMatchObject({ code: 2 });
  expect(exit.stderr).toMatch(/on 0\.0\.0\.0/);
});

test("over TLS: one's own server is asked as it is, another's certificate must be good", async () => {
  const folder = await givenFolder();
  const { cert, key } = makeCertificate("files.example.org");
  const [certPath, keyPath] = [join(folder, "tls.crt"), join(folder, "tls.key")];
  await writeFile(certPath, cert);
  await writeFile(keyPath, key);
  const { endpoint } = await givenServer(["--tls-cert", certPath, "--tls-key", keyPath]);
  expect(endpoint).toMatch(/^https:/);
  const env = { ...KEYS, KINTSUGI_TLS_CERT: certPath, KINTSUGI_TLS_KEY: keyPath };
  const own = { ...env, KINTSUGI_ADMIN_PORT: new URL(endpoint).port };
  expect(await runProcess(["status"], { env: own })).toMatchObject({ code: 0 });
  const asked = ["status", "--endpoint", endpoint];
  const refused = await runProcess(asked, { env: KEYS });
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toMatch(/could not be asked: .*certificate/);
  expect(await runProcess([...asked, "--insecure"], { env: KEYS })).toMatchObject({ code: 0 });
  const old = makeCertificate("files.example.org", 3);
  await writeFile(keyPath, old.key);
  await writeFile(certPath, old.cert);
  await expect
    .poll(() => runProcess(["status"], { env: own }), { timeout: 20_000 })
    .toMatchObject({ code: 1, stdout: expect.stringContaining("the certificate of TLS ends at") });
});
