// The `kintsugi` command as a process: what it prints and returns, what it refuses, and that a restart finds everything.
// S87, S91 and S92 of the attacks are shown here from outside; the rules themselves are unit-tested.

import { writeFile } from "node:fs/promises";
import { once } from "node:events";
import { connect as connectPlain } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { expect, onTestFinished, test } from "vitest";
import { makeCertificate } from "../support/certificate.ts";
import {
  givenFolder,
  runProcess,
  startProcess,
  type KintsugiProcess,
} from "../support/kintsugi-process.ts";
import { sdkClientOf, type Keys } from "../support/sdk-client.ts";

const FREE_PORT = ["--port", "0"];

function keysOf(process: KintsugiProcess): Keys {
  const [, accessKey = ""] = /access key +(\S+)/.exec(process.stdout) ?? [];
  const [, secretKey = ""] = /secret key +(\S+)/.exec(process.stdout) ?? [];
  return { accessKey, secretKey };
}

async function textOf(client: S3Client, Bucket: string, Key: string): Promise<string | undefined> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  return Body?.transformToString();
}

test("the banner says in words what a first user needs, and ends with the ready line", async () => {
  const server = startProcess(["server", await givenFolder(), ...FREE_PORT]);
  const url = await server.ready();
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(server.stdout).toContain(`serves S3 at ${url}`);
  expect(server.stdout).toContain("6: 4 data + 2 parity");
  expect(server.stdout).toContain(
    "0 disks may fail, for drives share one; up to 2 lost or rotten drive folders heal",
  );
  expect(server.stdout).toContain(`aws --endpoint-url ${url} s3 mb`);
  expect(server.stdout.trimEnd().split("\n").at(-1)).toBe(`ready ${url}`);
});

test("with --json the banner is one object, and the secret key is in it only the first time", async () => {
  const folder = await givenFolder();
  const args = ["server", folder, ...FREE_PORT, "--json"];
  const first = startProcess(args);
  const endpoint = await first.ready();
  const [line = ""] = first.stdout.split("\n");
  const banner = JSON.parse(line) as Record<string, unknown>;
  expect(banner).toMatchObject({ endpoint, drives: 6, parity: 2, pid: first.pid });
  expect(banner["accessKey"]).toMatch(/^KTG/);
  expect(banner["secretKey"]).toMatch(/^.{40}$/);
  expect(await first.stop()).toMatchObject({ code: 0 });

  const second = startProcess(args);
  await second.ready();
  const again = JSON.parse(second.stdout.split("\n")[0] ?? "") as Record<string, unknown>;
  expect(again["accessKey"]).toBe(banner["accessKey"]);
  expect(again).not.toHaveProperty("secretKey");
});

test.each(["SIGTERM", "SIGKILL"] as const)(
  "after %s a restart has the same keys and every object",
  async (signal) => {
    const folder = await givenFolder();
    const first = startProcess(["server", folder, ...FREE_PORT]);
    const url = await first.ready();
    const keys = keysOf(first);
    const client = sdkClientOf(url, keys);
    await client.send(new CreateBucketCommand({ Bucket: "kept" }));
    const bodies = { small: "s", large: "l".repeat(2_000_000) };
    for (const [Key, Body] of Object.entries(bodies)) {
      await client.send(new PutObjectCommand({ Bucket: "kept", Key, Body }));
    }
    await first.stop(signal);

    const second = startProcess(["server", folder, ...FREE_PORT]);
    const again = sdkClientOf(await second.ready(), keys);
    for (const [Key, Body] of Object.entries(bodies)) {
      expect(await textOf(again, "kept", Key)).toBe(Body);
    }
    expect(second.stdout).toContain("secret key as shown at the first start");
  },
);

test("F58 a second process on the same drives is refused in words, and the first goes on", async () => {
  const folder = await givenFolder();
  const first = startProcess(["server", folder, ...FREE_PORT]);
  const url = await first.ready();
  const second = await runProcess(["server", folder, ...FREE_PORT]);
  expect(second).toMatchObject({ code: 1, stdout: "" });
  expect(second.stderr).toMatch(/in use by another process/);
  expect(second.stderr).not.toMatch(/ at .*\.js/);
  expect((await fetch(`${url}/_kintsugi/ready`)).status).toBe(200);
});

test.each([
  [[], /kintsugi server \[DIR\.\.\.\]/],
  [["servr"], /unknown command servr \(did you mean server\?\)/],
  [["server", "--drive", "3"], /unknown flag --drive \(did you mean --drives\?\)/],
  [["gateway"], /needs its data nodes/],
  [["help", "nod"], /did you mean node\?/],
  [["health", "a", "b"], /takes one URL/],
])("%j is a usage error: exit code 2", async (args, words) => {
  const exit = await runProcess(args);
  expect(exit).toMatchObject({ code: 2, stdout: "" });
  expect(exit.stderr).toMatch(words);
});

test("a usage error names the help that lists the flags", async () => {
  const { stderr } = await runProcess(["server", "--foo"]);
  expect(stderr).toContain("unknown flag --foo\n");
  expect(stderr).toContain("`kintsugi help server`");
});

test("an unknown KINTSUGI_ variable stops the start: exit code 2", async () => {
  const exit = await runProcess(["server"], { env: { KINTSUGI_REGOIN: "x" } });
  expect(exit).toMatchObject({ code: 2 });
  expect(exit.stderr).toMatch(/KINTSUGI_REGOIN \(did you mean KINTSUGI_REGION\?\)/);
});

test.each([
  [["help"], /kintsugi gateway/],
  [["--help"], /kintsugi gateway/],
  [["server", "--help"], /--drives COUNT/],
  [["help", "node"], /KINTSUGI_CLUSTER_SECRET/],
  [["version"], /^\d+\.\d+\.\d+/],
  [["config"], /^region +us-east-1 +default$/m],
  [["config", "node", "--port", "1"], /^port +1 +--port$/m],
])("%j answers on standard output: exit code 0", async (args, words) => {
  const exit = await runProcess(args, {
    env: { KINTSUGI_CLUSTER_SECRET: "0123456789abcdef0123456789abcdef" },
  });
  expect(exit).toMatchObject({ code: 0, stderr: "" });
  expect(exit.stdout).toMatch(words);
});

test("a port in use is told in words: exit code 1, and the next start shows the keys", async () => {
  const first = startProcess(["server", await givenFolder(), ...FREE_PORT]);
  const { port } = new URL(await first.ready());
  const folder = await givenFolder();
  const second = await runProcess(["server", folder, "--port", port]);
  expect(second).toMatchObject({ code: 1, stdout: "" });
  expect(second.stderr).toMatch(/is in use by another process: .*--port/);

  const third = startProcess(["server", folder, ...FREE_PORT]);
  const client = sdkClientOf(await third.ready(), keysOf(third));
  expect(third.stdout).toContain("made just now and shown this once");
  await client.send(new CreateBucketCommand({ Bucket: "usable" }));
});

test("health: 0 when it is ready, 1 when nobody is there", async () => {
  const server = startProcess(["server", await givenFolder(), ...FREE_PORT]);
  const url = await server.ready();
  expect(await runProcess(["health", url])).toMatchObject({ code: 0 });
  const { port } = new URL(url);
  expect(await runProcess(["health"], { env: { KINTSUGI_PORT: port } })).toMatchObject({ code: 0 });
  await server.stop();
  expect(await runProcess(["health", url])).toMatchObject({ code: 1 });
});

test("SIGTERM lets a request under way end, takes no new ones, and ends with 0", async () => {
  const { server, socket, url, body } = await givenUploadUnderWay();
  const exit = server.stop("SIGTERM");
  await server.waitFor(/stopping: requests under way/);
  await expect(fetch(`${url}/_kintsugi/live`)).rejects.toThrow("fetch failed");
  socket.write(body);
  let answer = "";
  for await (const chunk of socket) answer += String(chunk);
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(await exit).toMatchObject({ code: 0 });
});

test("a second signal ends at once what the first one waits for", async () => {
  const { server } = await givenUploadUnderWay();
  void server.stop("SIGINT");
  await server.waitFor(/stopping: requests under way/);
  expect(await server.stop("SIGINT")).toMatchObject({ code: 1 });
});

test.each([
  ["an exception", "throw new Error('a planted fault')"],
  ["a rejection", "void Promise.reject(new Error('a planted fault'))"],
])(
  "F19: after %s that nothing caught the process logs it and ends with 1",
  async (_what, fault) => {
    const planted = `data:text/javascript,process.on("SIGUSR2",()=>{${fault}})`;
    // The planted listener would be the supervisor's too; supervisor.test.ts shows what it makes of such an end.
    const env = { NODE_OPTIONS: `--import=${encodeURI(planted)}`, KINTSUGI_SUPERVISOR: "off" };
    const server = startProcess(["server", await givenFolder(), ...FREE_PORT], { env });
    await server.ready();
    const exit = await server.stop("SIGUSR2");
    expect(exit).toMatchObject({ code: 1 });
    expect(exit.stderr).toMatch(/"level":60.*a planted fault.*that nothing caught/);
  },
);

test("a certificate is served, and a new pair is taken up without a restart", async () => {
  const folder = await givenFolder();
  const cert = join(folder, "tls.crt");
  const key = join(folder, "tls.key");
  await givenCertificate("first", cert, key);
  const args = ["server", join(folder, "data"), ...FREE_PORT, "--tls-cert", cert, "--tls-key", key];
  const server = startProcess(args);
  const url = await server.ready();
  expect(url).toMatch(/^https:/);
  expect(await subjectOf(url)).toBe("first");
  expect(await runProcess(["health", url])).toMatchObject({ code: 0 });

  await writeFile(cert, "not a certificate");
  await server.waitFor(/the new certificate is no good/);
  expect(await subjectOf(url)).toBe("first");

  await givenCertificate("second", cert, key);
  await server.waitFor(/the certificate was read again/);
  expect(await subjectOf(url)).toBe("second");
});

test("a certificate that cannot be used stops the start: exit code 1", async () => {
  const folder = await givenFolder();
  const path = join(folder, "absent.pem");
  const args = ["server", join(folder, "data"), "--tls-cert", path, "--tls-key", path];
  const exit = await runProcess([...args, ...FREE_PORT]);
  expect(exit).toMatchObject({ code: 1 });
  expect(exit.stderr).toMatch(/absent\.pem .* cannot be used/);
});

test("S87: a cluster secret that is the root secret stops a gateway", async () => {
  const secret = "one-secret-for-everything-0123456789";
  const env = {
    KINTSUGI_ACCESS_KEY: "operator",
    KINTSUGI_SECRET_KEY: secret,
    KINTSUGI_CLUSTER_SECRET: secret,
  };
  const exit = await runProcess(["gateway", "--nodes", "http://127.0.0.1:1"], { env });
  expect(exit).toMatchObject({ code: 2 });
  expect(exit.stderr).not.toContain(secret);
});

test("S91: default keys are refused where others can reach the server", async () => {
  const env = { MINIO_ROOT_USER: "minioadmin", MINIO_ROOT_PASSWORD: "minioadmin" };
  const exit = await runProcess(["server", "--host", "0.0.0.0", ...FREE_PORT], { env });
  expect(exit).toMatchObject({ code: 2 });
  expect(exit.stderr).toMatch(/everybody knows/);
});

test("S92: no secret and no signature is in anything that a server prints", async () => {
  const users = [{ name: "ann", accessKey: "ann-key", secretKey: "ann-secret-0123456789" }];
  const env = {
    KINTSUGI_ACCESS_KEY: "operator",
    KINTSUGI_SECRET_KEY: "root-secret-0123456789",
    KINTSUGI_USERS: JSON.stringify(users),
    KINTSUGI_LOG_LEVEL: "trace",
  };
  const server = startProcess(["server", await givenFolder(), ...FREE_PORT], { env });
  const url = await server.ready();
  const client = sdkClientOf(url, { accessKey: "operator", secretKey: env.KINTSUGI_SECRET_KEY });
  await client.send(new CreateBucketCommand({ Bucket: "scanned" }));
  const object = { Bucket: "scanned", Key: "a" };
  const signed = [
    await getSignedUrl(client, new PutObjectCommand(object)),
    await getSignedUrl(client, new GetObjectCommand({ ...object, Key: "absent" })),
  ];
  await fetch(signed[0] ?? "", { method: "PUT", body: "x" });
  await fetch(signed[1] ?? "");
  await fetch(
    `${url}/scanned/a?AWSAccessKeyId=operator&Expires=99999999999&Signature=c2lnbmF0dXJl`,
  );
  const secretsInRequest = `${url}/${env.KINTSUGI_SECRET_KEY}?x=${users[0]?.secretKey ?? ""}`;
  await fetch(secretsInRequest, { headers: { authorization: "AWS operator:c2lnbmF0dXJl" } });
  const { stdout, stderr } = await server.stop();
  const output = stdout + stderr;
  expect(output).toMatch(/"operation":"PutObject"/);
  const signatures = signed.map((each) => new URL(each).searchParams.get("X-Amz-Signature") ?? "?");
  for (const secret of [
    env.KINTSUGI_SECRET_KEY,
    users[0]?.secretKey ?? "",
    "c2lnbmF0dXJl",
    ...signatures,
  ]) {
    expect(output.includes(secret), `"${secret}" is in the output`).toBe(false);
  }
});

/** A server with a PUT whose headers it has accepted and whose body it waits for. */
async function givenUploadUnderWay() {
  const keys = { accessKey: "operator", secretKey: "operator-secret" };
  const env = {
    KINTSUGI_ACCESS_KEY: keys.accessKey,
    KINTSUGI_SECRET_KEY: keys.secretKey,
    KINTSUGI_BUCKETS: "drain",
  };
  const server = startProcess(["server", await givenFolder(), ...FREE_PORT], { env });
  const url = await server.ready();
  const body = "a".repeat(100_000);
  const put = new PutObjectCommand({ Bucket: "drain", Key: "slow", ContentLength: body.length });
  const target = new URL(await getSignedUrl(sdkClientOf(url, keys), put));
  const socket = connectPlain(Number(target.port), target.hostname);
  socket.on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  const head = [
    `PUT ${target.pathname}${target.search} HTTP/1.1`,
    `Host: ${target.host}`,
    `Content-Length: ${body.length}`,
    "Expect: 100-continue",
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 100 /);
  return { server, socket, url, body };
}

/** A certificate that names `name`, whose two files are replaced one after the other, as renewal tools do. */
async function givenCertificate(name: string, certPath: string, keyPath: string): Promise<void> {
  const { cert, key } = makeCertificate(name);
  await writeFile(keyPath, key);
  await writeFile(certPath, cert);
}

function subjectOf(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connectTls(
      { host: hostname, port: Number(port), rejectUnauthorized: false },
      () => {
        resolve([socket.getPeerCertificate().subject.CN].flat().join());
        socket.destroy();
      },
    );
    socket.on("error", reject);
  });
}
