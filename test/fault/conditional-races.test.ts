// 64 clients race for one key with conditional writes and deletions, round after round, in buckets with and without
// versioning: exactly one of them wins each time, and what stands there then is the winner's.
// A short run; KINTSUGI_RACE_ROUNDS=200 for the long one.

import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { expect, onTestFinished, test } from "vitest";
import { startVersioned, type VersionedLab } from "../support/versioned-bucket.ts";

const CLIENTS = 64;
const ROUNDS = Number(process.env["KINTSUGI_RACE_ROUNDS"] ?? 4);
const TIMEOUT_MS = 60_000 + ROUNDS * 10_000;
/** Inline, and in a pack. */
const SIZES = [20, 40_000];

interface Answer {
  readonly status: number;
  readonly body: string;
}

interface Race {
  readonly clients: readonly S3Client[];
  readonly bucket: string;
  /** Tells the bytes of all attempts apart. */
  attempts: number;
}

/** Each client has connections of its own. */
async function givenRace({ client, bucket, endpoint }: VersionedLab): Promise<Race> {
  const credentials = await client.config.credentials();
  const clients = Array.from(
    { length: CLIENTS },
    () =>
      new S3Client({
        endpoint,
        region: "us-east-1",
        forcePathStyle: true,
        maxAttempts: 1,
        credentials,
      }),
  );
  onTestFinished(() => {
    for (const each of clients) each.destroy();
  });
  return { clients, bucket, attempts: 0 };
}

/** All clients write at once under the same condition. Resolves to the one answer that is no refusal. */
async function race(
  state: Race,
  sizeBytes: number,
  condition: { readonly IfMatch?: string; readonly IfNoneMatch?: string },
): Promise<Answer> {
  const answers = await Promise.all(
    state.clients.map(async (client): Promise<Answer> => {
      state.attempts += 1;
      const body = String(state.attempts).padStart(sizeBytes, "-");
      const at = { Bucket: state.bucket, Key: "key" };
      const put = new PutObjectCommand({ ...at, Body: body, ...condition });
      return { status: await statusOf(client.send(put)), body };
    }),
  );
  const winners = answers.filter(({ status }) => status === 200);
  expect(winners).toHaveLength(1);
  const refusals = new Set(answers.map(({ status }) => status));
  refusals.delete(200);
  for (const status of refusals) expect([404, 409, 412]).toContain(status);
  return winners[0] ?? { status: 0, body: "" };
}

async function statusOf(call: Promise<unknown>): Promise<number> {
  try {
    await call;
    return 200;
  } catch (error) {
    return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0;
  }
}

async function standing(client: S3Client, Bucket: string) {
  const { Body, ETag = "" } = await client.send(new GetObjectCommand({ Bucket, Key: "key" }));
  return { body: await Body?.transformToString(), ETag };
}

/** Of all clients that delete the object as they know it one does; without versioning the others find nothing. */
async function raceToDelete({ clients, bucket }: Race, IfMatch: string): Promise<void> {
  const remove = new DeleteObjectCommand({ Bucket: bucket, Key: "key", IfMatch });
  const statuses = await Promise.all(clients.map((client) => statusOf(client.send(remove))));
  expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  expect(new Set(statuses)).toEqual(new Set([200, 404]));
}

test.each([undefined, "Enabled", "Suspended"] as const)(
  `F68 64 clients race for one key, ${ROUNDS} rounds, versioning %s: one winner each`,
  { timeout: TIMEOUT_MS },
  async (versioning) => {
    const lab = await startVersioned(versioning);
    const { client, bucket } = lab;
    const state = await givenRace(lab);
    for (let round = 0; round < ROUNDS; round += 1) {
      const sizeBytes = SIZES[round % SIZES.length] ?? 20;
      const created = await race(state, sizeBytes, { IfNoneMatch: "*" });
      const { body, ETag } = await standing(client, bucket);
      expect(body === created.body).toBe(true);
      const replaced = await race(state, sizeBytes, { IfMatch: ETag });
      const now = await standing(client, bucket);
      expect(now.body === replaced.body).toBe(true);
      await raceToDelete(state, now.ETag);
    }
    expect(await countEntries(client, bucket)).toEqual(kept(versioning));
  },
);

/** Two versions and a marker a round; one null marker; nothing. */
function kept(versioning: "Enabled" | "Suspended" | undefined) {
  if (versioning === "Enabled") return { versions: ROUNDS * 2, markers: ROUNDS };
  return { versions: 0, markers: versioning === "Suspended" ? 1 : 0 };
}

async function countEntries(client: S3Client, Bucket: string) {
  const page = await client.send(new ListObjectVersionsCommand({ Bucket }));
  expect(page.IsTruncated).toBe(false);
  const { Versions = [], DeleteMarkers = [] } = page;
  return { versions: Versions.length, markers: DeleteMarkers.length };
}
