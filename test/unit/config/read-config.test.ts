// Settings from flags, environment and file: which one wins, what is refused, and in which words.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readConfig } from "../../../src/config.ts";
import type { Environment } from "../../../src/config/environment.ts";
import type { Role } from "../../../src/config/setting.ts";
import { UsageError } from "../../../src/config/usage-error.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kintsugi-config-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const read = (args: readonly string[], env: Environment = {}, role: Role = "server") =>
  readConfig({ role, args, env, mayCreate: false });

const givenFile = async (content: unknown): Promise<string> => {
  const path = join(folder, `settings-${Math.random().toString(36).slice(2)}.json`);
  await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
};

test("without anything given the documented defaults hold", async () => {
  const { settings, operands, origins } = await read([]);
  expect(settings).toMatchObject({
    host: "127.0.0.1",
    port: 9000,
    adminPort: 9001,
    drives: 6,
    region: "us-east-1",
    domain: ["localhost"],
    publicHosts: [],
    sigv2: true,
    logLevel: "info",
    json: false,
    buckets: [],
    users: [],
  });
  expect(operands).toEqual([]);
  expect(new Set(origins.values())).toEqual(new Set(["default"]));
});

test("a node listens on its own port", async () => {
  const env = { KINTSUGI_CLUSTER_SECRET: SECRET };
  expect((await read([], env, "node")).settings.port).toBe(9100);
});

test("flags win over environment, environment over file, file over default", async () => {
  const path = await givenFile({ port: 1, region: "eu-1", drives: 4 });
  const env = { KINTSUGI_PORT: "2", KINTSUGI_REGION: "eu-2" };
  const { settings, origins } = await read(["--config", path, "--port=3"], env);
  expect(settings).toMatchObject({ port: 3, region: "eu-2", drives: 4, logLevel: "info" });
  expect([origins.get("port"), origins.get("region"), origins.get("drives")]).toEqual([
    "--port",
    "KINTSUGI_REGION",
    path,
  ]);
});

test("the settings are frozen", async () => {
  expect(Object.isFrozen((await read([])).settings)).toBe(true);
});

test("operands and flags may be mixed, and nothing after -- is a flag", async () => {
  const { operands, settings } = await read(["a", "--port", "0", "b", "--", "--c"]);
  expect(operands).toEqual(["a", "b", "--c"]);
  expect(settings.port).toBe(0);
});

test("the file may use JSON's own types", async () => {
  const path = await givenFile({
    domain: ["a.example", "b.example"],
    sigv2: false,
    users: [{ name: "ann", accessKey: "ann-key", secretKey: "ann-secret" }],
  });
  const { settings } = await read([], { KINTSUGI_CONFIG: path });
  expect(settings.domain).toEqual(["a.example", "b.example"]);
  expect(settings.sigv2).toBe(false);
  expect(settings.users).toEqual([{ name: "ann", accessKey: "ann-key", secretKey: "ann-secret" }]);
});

test.each([
  [["--drive", "3"], {}, /unknown flag --drive \(did you mean --drives\?\)/],
  [["--prot=1"], {}, /unknown flag --prot \(did you mean --port\?\)/],
  [["-p", "1"], {}, /unknown flag -p/],
  [["--nodes", "http://a:1"], {}, /--nodes is not a flag of kintsugi server/],
  [["--secret-key", "x"], {}, /--secret-key has no flag: give KINTSUGI_SECRET_KEY or/],
  [["--buckets", "x"], {}, /--buckets has no flag: give KINTSUGI_BUCKETS$/],
  [["--port", "1", "--port", "2"], {}, /--port is given twice/],
  [["--port"], {}, /--port needs a value/],
  [["--port", "65536"], {}, /--port must be a whole number from 0 to 65535/],
  [["--port", "1e3"], {}, /--port must be/],
  [["--drives", "0"], {}, /--drives must be/],
  [["--sigv2", "maybe"], {}, /--sigv2 must be on or off/],
  [["--log-level", "loud"], {}, /--log-level must be one of trace, /],
  [["--host", "http://x"], {}, /--host must be a host name/],
  [["--public-hosts", "https://x"], {}, /--public-hosts must be hosts such as/],
  [["--tls-cert", "x"], {}, /--tls-cert and --tls-key go together/],
  [
    [],
    { KINTSUGI_LOGLEVEL: "info" },
    /variable KINTSUGI_LOGLEVEL \(did you mean KINTSUGI_LOG_LEVEL\?\)/,
  ],
  [
    [],
    { KINTSUGI_PORT_FILE_: "x", KINTSUGI_REGION_FILE: "x" },
    /unknown environment variable KINTSUGI_REGION_FILE/,
  ],
  [[], { KINTSUGI_BUCKETS: "okay,Not_ok" }, /KINTSUGI_BUCKETS must be bucket names .*"Not_ok"/],
  [[], { KINTSUGI_ACCESS_KEY: "abc" }, /KINTSUGI_ACCESS_KEY is given alone/],
  [[], { KINTSUGI_SECRET_KEY: "abc" }, /KINTSUGI_SECRET_KEY is given alone/],
  [[], { KINTSUGI_CONFIG: "/nowhere.json" }, /cannot read the settings file/],
  [[], { KINTSUGI_LIFECYCLE_DAY_SECONDS: "1h" }, /DAY_SECONDS must be a number of seconds/],
  [[], { KINTSUGI_LIFECYCLE_DAY_SECONDS: "-1" }, /DAY_SECONDS must be a number of seconds/],
])("%j with %j is refused in words", async (args, env, words) => {
  const reading = read(args, env);
  await expect(reading).rejects.toThrow(words);
  await expect(reading).rejects.toBeInstanceOf(UsageError);
});

test("an unknown key of the file is refused with the nearest one", async () => {
  const path = await givenFile({ logLevl: "info" });
  await expect(read(["--config", path])).rejects.toThrow(
    /unknown key logLevl \(did you mean logLevel\?\)/,
  );
});

test.each(["[]", "{", '"text"', "null"])("a file of %s is refused", async (content) => {
  const path = await givenFile(content);
  await expect(read(["--config", path])).rejects.toBeInstanceOf(UsageError);
});

test("what Kubernetes puts into the environment by itself is passed over", async () => {
  const { settings } = await read([], {
    KINTSUGI_SERVICE_HOST: "10.0.0.1",
    KINTSUGI_SERVICE_PORT_S3: "9000",
    KINTSUGI_PORT: "tcp://10.0.0.1:9000",
    KINTSUGI_PORT_9000_TCP_ADDR: "10.0.0.1",
  });
  expect(settings.port).toBe(9000);
});

test("empty variables count as not given", async () => {
  const { settings } = await read([], { KINTSUGI_ACCESS_KEY: "", KINTSUGI_PORT: "" });
  expect(settings).toMatchObject({ accessKey: undefined, port: 9000 });
});

test("variables for another role are known, and not read", async () => {
  const env = { KINTSUGI_NODES: "http://a:1", KINTSUGI_CLUSTER_SECRET: "short" };
  const { settings } = await read([], env);
  expect(settings).toMatchObject({ nodes: [], clusterSecret: undefined });
});

test("MinIO's names give the root keys, and our own win", async () => {
  const minio = { MINIO_ROOT_USER: "minio-user", MINIO_ROOT_PASSWORD: "minio-password" };
  expect((await read([], minio)).settings).toMatchObject({
    accessKey: "minio-user",
    secretKey: "minio-password",
  });
  const both = { ...minio, KINTSUGI_ACCESS_KEY: "own", KINTSUGI_SECRET_KEY: "own-secret" };
  expect((await read([], both)).settings).toMatchObject({
    accessKey: "own",
    secretKey: "own-secret",
  });
});

test("a secret may lie in a file, whose last line end is not part of it", async () => {
  const path = await givenFile("from-a-file\n");
  const env = { KINTSUGI_ACCESS_KEY: "key", KINTSUGI_SECRET_KEY_FILE: path };
  expect((await read([], env)).settings.secretKey).toBe("from-a-file");
  const twice = { ...env, KINTSUGI_SECRET_KEY: "x" };
  await expect(read([], twice)).rejects.toThrow(/both given/);
  const absent = { ...env, KINTSUGI_SECRET_KEY_FILE: `${path}.absent` };
  await expect(read([], absent)).rejects.toThrow(/there is no file/);
});

test("a gateway needs nodes and a secret", async () => {
  const env = { KINTSUGI_CLUSTER_SECRET: SECRET };
  await expect(read([], env, "gateway")).rejects.toThrow(/needs its data nodes/);
  const args = ["--nodes", "http://a:9100/, http://b:9100"];
  await expect(read(args, {}, "gateway")).rejects.toThrow(/needs the cluster's secret/);
  const { settings } = await read(args, env, "gateway");
  expect(settings.nodes).toEqual(["http://a:9100", "http://b:9100"]);
});

test.each(["node-1:9100", "ftp://a", "http://a/path", "http://u:p@a"])(
  "%s is no data node",
  async (url) => {
    const env = { KINTSUGI_CLUSTER_SECRET: SECRET };
    await expect(read(["--nodes", url], env, "gateway")).rejects.toThrow(/--nodes must be URLs/);
  },
);
