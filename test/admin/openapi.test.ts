// The OpenAPI document: every route is in it, it holds together, and what a real server answers is what it says, with no
// field left out and none made up.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { fastify, type FastifyRequest } from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AdminRoute } from "../../src/admin/admin-route.ts";
import { ADMIN_ROUTES } from "../../src/admin/admin-routes.ts";
import {
  linesOfAnswer,
  startAdmin,
  type AdminLab,
  type AdminSend,
} from "../support/admin-server.ts";
import { ask } from "../support/browser-session.ts";
import { withEnds } from "../support/at-end.ts";
import { sdkClientOf } from "../support/sdk-client.ts";

type Json = { readonly [key: string]: unknown };

let lab: AdminLab;
let document: Json;
const endings: (() => Promise<void>)[] = [];

beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), "kintsugi-openapi-"));
  // A server that keeps what it has also keeps a master key, which can be exported.
  lab = await startAdmin({ dir }, (end) => endings.push(end));
  endings.push(() => rm(dir, { recursive: true, force: true }));
  await withEnds(fill);
  document = JSON.parse((await ask(lab, "/v1/openapi.json")).body) as Json;
});
afterAll(async () => {
  for (const end of endings) await end();
});

async function fill(): Promise<void> {
  const client = sdkClientOf(lab.server.endpoint, lab.keys);
  const Bucket = "photos";
  await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
  for (const Key of ["a", "b/c"]) {
    await client.send(new PutObjectCommand({ Bucket, Key, Body: "1" }));
  }
  await client.send(new DeleteObjectCommand({ Bucket, Key: "a" }));
}

function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const step of path) {
    found = typeof found === "object" && found !== null ? (found as Json)[step] : undefined;
  }
  return found;
}

/** Every object within. */
function* within(value: unknown): Generator<Json, void, undefined> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield value as Json;
  for (const each of Object.values(value)) yield* within(each);
}

/** What a reference within the document leads to. */
function schemaAt(reference: unknown): unknown {
  const path = /^#\/(.+)$/.exec(typeof reference === "string" ? reference : "")?.[1];
  return path === undefined ? undefined : at(document, ...path.split("/"));
}

const operationOf = (method: string, path: string): Json =>
  at(document, "paths", path, method.toLowerCase()) as Json;

test("every route is in it, and nothing else", () => {
  const named = Object.entries(document["paths"] as Json).flatMap(([path, operations]) =>
    Object.keys(operations as Json).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const routes = ADMIN_ROUTES.map(({ method, path }) => `${method} ${path}`);
  expect(named.toSorted()).toEqual(routes.toSorted());
});

test("it is OpenAPI 3.1, and holds together", () => {
  expect(document).toMatchObject({ openapi: "3.1.0", info: { title: expect.any(String) } });
  const operations = ADMIN_ROUTES.map(({ method, path }) => operationOf(method, path));
  const ids = operations.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  const schemes = Object.keys(at(document, "components", "securitySchemes") as Json);
  for (const operation of operations) {
    expect(operation).toMatchObject({ summary: expect.any(String), security: expect.any(Array) });
    for (const security of operation["security"] as readonly Json[]) {
      expect(schemes).toEqual(expect.arrayContaining(Object.keys(security)));
    }
    for (const response of Object.values(operation["responses"] as Json)) {
      expect(response).toMatchObject({
        description: expect.any(String),
        content: expect.any(Object),
      });
    }
  }
  const references = [...within(document)].flatMap(({ $ref }) => $ref ?? []);
  expect(references.length).toBeGreaterThan(0);
  for (const reference of references) expect(schemaAt(reference)).toBeTypeOf("object");
});

const securityOf = ({ method, path }: AdminRoute): unknown => operationOf(method, path)["security"];

test("it names who may: what changes something is signed, whatever anyone may read is said", () => {
  const changing = ADMIN_ROUTES.filter(({ method }) => method === "POST");
  expect(changing.map(securityOf)).toEqual(changing.map(() => [{ signature: [] }]));
  const open = ADMIN_ROUTES.filter((route) => (securityOf(route) as readonly Json[]).length === 0);
  expect(open.map(({ path }) => path)).toEqual(["/v1/openapi.json"]);
});

/** As the document has it, with its references in place, and with nothing allowed that it does not name. */
function strict(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(strict);
  const { $ref } = schema as Json;
  if ($ref !== undefined) return strict(schemaAt($ref));
  const copy = Object.fromEntries(
    Object.entries(schema).map(([name, each]) => [name, strict(each)]),
  );
  const isClosed = copy["properties"] !== undefined && copy["type"] === "object";
  return isClosed ? { ...copy, additionalProperties: false } : copy;
}

/** What is wrong with a value; empty where nothing is. */
async function faultsOf(schema: unknown, values: readonly unknown[]): Promise<readonly unknown[]> {
  const customOptions = {
    removeAdditional: false,
    coerceTypes: false,
    useDefaults: false,
  } as const;
  const app = fastify({ ajv: { customOptions } });
  app.get("/", (request: FastifyRequest) => {
    const validate = request.compileValidationSchema(strict(schema) as Json);
    return values.flatMap((value) => (validate(value) ? [] : [{ value, why: validate.errors }]));
  });
  try {
    const { body } = await app.inject("/");
    return JSON.parse(body) as readonly unknown[];
  } finally {
    await app.close();
  }
}

test("the check itself finds what is missing and what is too much", async () => {
  const error = { $ref: "#/components/schemas/Error" };
  expect(await faultsOf(error, [{ code: "a", message: "b" }])).toEqual([]);
  expect(await faultsOf(error, [{ code: "a" }, { code: "a", message: "b", more: 1 }])).toHaveLength(
    2,
  );
});

/** A request for each route that shows what it has to show. */
const REQUESTS: Readonly<Record<string, Partial<AdminSend>>> = {
  "GET /v1/buckets": {},
  "GET /v1/drives": {},
  "GET /v1/heal": {},
  "GET /v1/key": {},
  "GET /v1/objects": { query: "bucket=photos&delimiter=%2F&limit=1" },
  "GET /v1/openapi.json": {},
  "GET /v1/status": {},
  "GET /v1/versions": { query: "bucket=photos&delimiter=%2F" },
  "POST /v1/compact": { body: '{"all":true}' },
  "POST /v1/heal": { body: "{}" },
  "POST /v1/key/export": {},
  "POST /v1/quota": { body: '{"bucket":"photos","bytes":1000}' },
  "POST /v1/session": {},
  "POST /v1/sweep": { body: '{"dryRun":true}' },
  "POST /v1/verify": { body: '{"bucket":"photos"}' },
};

test.each(Object.entries(REQUESTS))("%s answers as its schema says", async (name, request) => {
  const [method = "", path = ""] = name.split(" ");
  const answer = await lab.send({ method, path, ...request });
  expect(answer.status).toBe(200);
  const content = at(operationOf(method, path), "responses", "200", "content") as Json;
  const [contentType = ""] = Object.keys(content);
  expect(answer.headers.get("content-type")).toBe(contentType);
  const values = contentType.includes("ndjson") ? linesOfAnswer(answer) : [JSON.parse(answer.body)];
  expect(values.length).toBeGreaterThan(0);
  expect(await faultsOf(at(content, contentType, "schema"), values)).toEqual([]);
});

test("every route's answer is looked at, but for those that have tests of their own", () => {
  const routes = ADMIN_ROUTES.map(({ method, path }) => `${method} ${path}`);
  const elsewhere = [
    "DELETE /v1/session",
    "GET /metrics",
    "GET /v1/nodes",
    "POST /v1/drives/add",
    "POST /v1/drives/drain",
    "POST /v1/drives/remove",
    "POST /v1/drives/reshape",
    "POST /v1/drives/replace",
    "POST /v1/key/confirm",
    "POST /v1/nodes/add",
    "POST /v1/nodes/drain",
    "POST /v1/nodes/remove",
    "POST /v1/nodes/replace",
  ];
  expect([...Object.keys(REQUESTS), ...elsewhere].toSorted()).toEqual(routes.toSorted());
});

test.each(Object.entries(REQUESTS).filter(([, { body }]) => body !== undefined))(
  "what %s is asked is what its schema says, and a field that it does not name is refused",
  async (name, { body = "" }) => {
    const [method = "", path = ""] = name.split(" ");
    const content = at(operationOf(method, path), "requestBody", "content", "application/json");
    expect(await faultsOf(at(content, "schema"), [JSON.parse(body)])).toEqual([]);
    const more = { ...(JSON.parse(body) as Json), more: 1 };
    const answer = await lab.send({ method, path, body: JSON.stringify(more) });
    expect(answer.status).toBe(400);
  },
);

test("refusals are as their schema says", async () => {
  const answer = await lab.send({ path: "/v1/objects", query: "bucket=nobody" });
  const error = { $ref: "#/components/schemas/Error" };
  expect(await faultsOf(error, [JSON.parse(answer.body)])).toEqual([]);
});
