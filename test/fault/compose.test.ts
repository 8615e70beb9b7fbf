// docker-compose.yml without Docker: every service's command runs with its environment as a process on loopback,
// volumes are temporary folders, host names and ports are what the processes got. Then the SDK does what a first user
// does, and every health check must pass.

import { randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readCompose, readImage, type ComposeService } from "../support/compose-file.ts";
import { givenFolder, KintsugiProcess, type Exit } from "../support/kintsugi-process.ts";

const MIB = 1024 * 1024;
const services = readCompose("docker-compose.yml");
const image = readImage("Dockerfile");
const NODES = [...services.keys()].filter((name) => name.startsWith("node-"));

interface Running {
  readonly process: KintsugiProcess;
  readonly url: string;
}

const running = new Map<string, Running>();
const endings: (() => Promise<unknown>)[] = [];
let folder = "";
let client: S3Client;

/** The environment and arguments of a service, with paths and hosts as they are here. */
function localised(service: ComposeService, texts: readonly string[]): readonly string[] {
  return texts.map((text) => {
    for (const [target, volume] of service.volumes) {
      if (text === target || text.startsWith(`${target}/`)) {
        return join(folder, volume) + text.slice(target.length);
      }
    }
    return text.replaceAll(/http:\/\/(node-\d+):9100/g, (_match, name: string) => urlOf(name));
  });
}

function environmentOf(service: ComposeService): Record<string, string> {
  const given = { ...image.environment, ...service.environment };
  const values = localised(service, Object.values(given));
  const local = Object.fromEntries(Object.keys(given).map((name, at) => [name, values[at] ?? ""]));
  const here = { KINTSUGI_HOST: "127.0.0.1", KINTSUGI_ADMIN_HOST: "127.0.0.1" };
  return { ...local, ...here, KINTSUGI_PORT: "0" };
}

function urlOf(name: string): string {
  return running.get(name)?.url ?? "";
}

function serviceOf(name: string): ComposeService {
  const service = services.get(name);
  if (service === undefined) throw new Error(`there is no service ${name}`);
  return service;
}

async function start(name: string): Promise<void> {
  const service = serviceOf(name);
  expect(image.entrypoint).toEqual(["kintsugi"]);
  const process = new KintsugiProcess(localised(service, service.command), {
    env: environmentOf(service),
  });
  endings.push(() => process.stop("SIGKILL"));
  running.set(name, { process, url: await process.ready() });
}

async function check(name: string): Promise<Exit> {
  const service = serviceOf(name);
  const [program, ...args] = service.healthcheck;
  expect(program).toBe("kintsugi");
  const { port } = new URL(urlOf(name));
  const asked = args.map((arg) => arg.replace("http://127.0.0.1:9100", urlOf(name)));
  const env = { ...environmentOf(service), KINTSUGI_PORT: port };
  return new KintsugiProcess(asked, { env }).exited();
}

beforeAll(async () => {
  folder = await givenFolder((end) => endings.push(end));
  // All at once, as compose does: they settle the secret among themselves.
  await Promise.all(NODES.map(start));
  await start("gateway");
  const output = running.get("gateway")?.process.stdout ?? "";
  const [, accessKeyId = ""] = /access key +(\S+)/.exec(output) ?? [];
  const [, secretAccessKey = ""] = /secret key +(\S+)/.exec(output) ?? [];
  client = new S3Client({
    endpoint: urlOf("gateway"),
    region: "us-east-1",
    credentials: { accessKeyId, secretAccessKey },
  });
});
afterAll(async () => {
  for (const end of endings.toReversed()) await end();
});

test("there are one gateway and six nodes; only S3 is published, and the admin API to this machine", () => {
  expect([...services.keys()]).toEqual(["gateway", ...NODES]);
  expect(NODES).toHaveLength(6);
  expect(serviceOf("gateway").ports).toEqual(["9000:9000", "127.0.0.1:9001:9001"]);
  for (const name of NODES) expect(serviceOf(name).ports).toEqual([]);
});

test("the image does not run as root, and no file has a secret in it", () => {
  expect(image.user).toBe("node");
  for (const { environment } of services.values()) {
    expect(environment["KINTSUGI_CLUSTER_SECRET"]).toBeUndefined();
    expect(environment["KINTSUGI_SECRET_KEY"] ?? "").toBe("");
  }
});

test("the cluster's secret was made once and is private", async () => {
  const { mode } = await stat(join(folder, "secret", "cluster"));
  expect(mode & 0o777).toBe(0o600);
});

test("every health check passes", async () => {
  for (const name of services.keys()) {
    const exit = await check(name);
    expect(exit, `${name}: ${exit.stderr}`).toMatchObject({ code: 0 });
  }
});

test("the admin API tells that all is well, to who has the keys the gateway printed", async () => {
  const output = running.get("gateway")?.process.stdout ?? "";
  const [, endpoint = ""] = /admin +(http:\S+):/.exec(output) ?? [];
  const { accessKeyId, secretAccessKey } = await client.config.credentials();
  const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  const exit = await new KintsugiProcess(["status", "--endpoint", endpoint], { env }).exited();
  expect(exit, exit.stderr).toMatchObject({ code: 0 });
  expect(exit.stdout).toContain("all well");
});

describe("a first user's steps", () => {
  const Bucket = "first-bucket";
  const bodies = new Map<string, Buffer>([
    ["empty", Buffer.alloc(0)],
    ["small", randomBytes(4_000)],
    ["large", randomBytes(5 * MIB)],
    ["multipart", randomBytes(12 * MIB + 1)],
  ]);

  const bodyOf = (key: string): Buffer => bodies.get(key) ?? Buffer.from("there is no such body");

  test("make a bucket and put objects", async () => {
    await client.send(new CreateBucketCommand({ Bucket }));
    for (const Key of ["empty", "small", "large"]) {
      const put = await client.send(new PutObjectCommand({ Bucket, Key, Body: bodyOf(Key) }));
      expect(put.ETag).toMatch(/^"[0-9a-f]{32}"$/);
    }
    const params = { Bucket, Key: "multipart", Body: bodyOf("multipart") };
    expect((await new Upload({ client, params }).done()).ETag).toMatch(/-3"$/);
  });

  test.each([...bodies.keys()])("get %s back, byte for byte", async (Key) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
    expect(bytes.equals(bodyOf(Key))).toBe(true);
  });

  test("list and delete", async () => {
    const keys = async () => {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
      return Contents.map(({ Key }) => Key);
    };
    expect(await keys()).toEqual(["empty", "large", "multipart", "small"]);
    await client.send(new DeleteObjectCommand({ Bucket, Key: "large" }));
    expect(await keys()).toEqual(["empty", "multipart", "small"]);
  });
});
