// The metrics page as Prometheus reads it: who may, that the numbers are those of what was done, and that the text is well
// formed.

import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { expect, onTestFinished, test } from "vitest";
import { AdminAccess } from "../../src/admin/admin-access.ts";
import { readWireRequest } from "../../src/auth/read-wire-request.ts";
import type { AccountId } from "../../src/core/ids.ts";
import { openEmbedded } from "../../src/server.ts";
import { realClock } from "../../src/util/clock.ts";
import { startAdmin } from "../support/admin-server.ts";
import { EMBEDDED } from "../support/embedded.ts";
import { givenFolder } from "../support/kintsugi-process.ts";
import { sendRaw } from "../support/raw-http.ts";
import { sdkClientOf } from "../support/sdk-client.ts";
import { wireBytes } from "../support/signing.ts";

const TOKEN = "a-token-of-the-test-0123456789";
const KEYS = { accessKey: "metrics-root", secretKey: "metrics-secret-0123456789" };

/** The value of a sample by its whole name, labels included. */
function samplesOf(page: string): ReadonlyMap<string, number> {
  const lines = page.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space), Number(line.slice(space + 1))] as const;
    }),
  );
}

test("requests, bytes and durations are counted as they were, drives and objects as they are", async () => {
  const lab = await startAdmin();
  const client = sdkClientOf(lab.server.endpoint, lab.keys);
  await client.send(new CreateBucketCommand({ Bucket: "counted" }));
  for (let index = 0; index < 3; index += 1) {
    await client.send(new PutObjectCommand({ Bucket: "counted", Key: `k${index}`, Body: "12345" }));
  }
  const { Body } = await client.send(new GetObjectCommand({ Bucket: "counted", Key: "k0" }));
  await Body?.transformToString();
  await client
    .send(new GetObjectCommand({ Bucket: "counted", Key: "none" }))
    .catch(() => undefined);
  const answer = await lab.send({ path: "/metrics" });
  expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  const samples = samplesOf(answer.body);
  const value = (name: string): number | undefined => samples.get(name);
  expect(value('kintsugi_s3_requests_total{operation="PutObject",status="200"}')).toBe(3);
  expect(value('kintsugi_s3_requests_total{operation="GetObject",status="200"}')).toBe(1);
  expect(value('kintsugi_s3_requests_total{operation="GetObject",status="404"}')).toBe(1);
  const duration = "kintsugi_s3_request_duration_seconds";
  expect(value(`${duration}_count{operation="PutObject"}`)).toBe(3);
  expect(value(`${duration}_bucket{operation="PutObject",le="+Inf"}`)).toBe(3);
  expect(value(`${duration}_sum{operation="PutObject"}`)).toBeGreaterThan(0);
  // The SDK sends uploads in chunks, with a trailer: more bytes than the object has.
  expect(value('kintsugi_s3_received_bytes_total{operation="PutObject"}')).toBeGreaterThan(14);
  expect(value('kintsugi_s3_sent_bytes_total{operation="GetObject"}')).toBeGreaterThan(4);
  expect(value("kintsugi_s3_requests_in_flight")).toBe(0);
  expect(value("kintsugi_objects")).toBe(3);
  expect(value("kintsugi_object_bytes")).toBe(15);
  expect(value("kintsugi_writable")).toBe(1);
  expect(value("kintsugi_problems")).toBe(0);
  const good = [...samples].filter(([name]) =>
    /^kintsugi_drive_state\{.*state="good"\}$/.test(name),
  );
  expect(good.map(([, count]) => count)).toEqual([1, 1, 1, 1, 1, 1]);
  expect([...samples.values()].every((sample) => Number.isFinite(sample))).toBe(true);
  expect(value("process_resident_memory_bytes")).toBeGreaterThan(1e6);
});

test("buckets of durations grow, and every metric is explained", async () => {
  const lab = await startAdmin();
  const client = sdkClientOf(lab.server.endpoint, lab.keys);
  await client.send(new CreateBucketCommand({ Bucket: "counted" }));
  const { body } = await lab.send({ path: "/metrics" });
  const buckets = [...body.matchAll(/_bucket\{operation="CreateBucket",le="[^"]+"\} (\d+)/g)];
  const counts = buckets.map(([, count]) => Number(count));
  expect(counts.length).toBeGreaterThan(10);
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  for (const [, name = ""] of body.matchAll(/^# TYPE (\S+) /gm)) {
    expect(body).toMatch(new RegExp(`^# HELP ${name} \\S`, "m"));
  }
});

test("with a token configured Prometheus gets in by it, and by nothing like it", async () => {
  const endpoint = await givenOpen({ isPublic: false, token: TOKEN });
  const ask = async (authorization: string): Promise<number> => {
    const { host, port } = new URL(endpoint);
    const bytes = wireBytes("GET", "/metrics", { host, authorization });
    return (await sendRaw(Number(port), bytes)).status;
  };
  expect(await ask(`Bearer ${TOKEN}`)).toBe(200);
  expect(await ask(`bearer   ${TOKEN}`)).toBe(200);
  for (const wrong of [`${TOKEN}x`, TOKEN.slice(1), TOKEN.toUpperCase(), "x"]) {
    expect(await ask(`Bearer ${wrong}`)).toBe(403);
  }
  // It opens the metrics and nothing else.
  const { host, port } = new URL(endpoint);
  const status = wireBytes("GET", "/v1/status", { host, authorization: `Bearer ${TOKEN}` });
  expect((await sendRaw(Number(port), status)).status).toBe(403);
});

test("public metrics need nothing; the rest still does", async () => {
  const endpoint = await givenOpen({ isPublic: true, token: undefined });
  expect((await fetch(`${endpoint}/metrics`)).status).toBe(200);
  expect((await fetch(`${endpoint}/v1/status`)).status).toBe(403);
});

test("without a token no bearer is let in, not even an empty one", () => {
  const account = { id: "root" as AccountId, name: "root", displayName: "root", email: undefined };
  const access = new AdminAccess({
    root: { ...KEYS, account },
    clock: realClock,
    publicHosts: [],
    metrics: { isPublic: false, token: undefined },
  });
  for (const authorization of ["Bearer undefined", "Bearer x", "Bearer ", ""]) {
    const message = {
      method: "GET",
      httpVersion: "1.1",
      rawHeaders: ["Host", "h", "Authorization", authorization],
    };
    // All of a message that is looked at.
    const request = readWireRequest(message as Parameters<typeof readWireRequest>[0], "/metrics");
    expect(() => access.admitToMetrics(request)).toThrow(/not the one|Denied|not valid/);
  }
});

async function givenOpen(metrics: {
  readonly isPublic: boolean;
  readonly token: string | undefined;
}): Promise<string> {
  const server = await openEmbedded({
    ...EMBEDDED,
    folders: [await givenFolder()],
    drives: { count: 6, isGiven: false },
    keys: KEYS,
    admin: { host: "127.0.0.1", port: 0, isPortGiven: true, metrics },
    clock: realClock,
  });
  onTestFinished(() => server.close());
  return server.adminEndpoint ?? "";
}
