// Drives that come and go under a server of several workers: none of them fails a request, each writes where the others
// look, and what one wrote by the older layout is where the others find it.

import { join } from "node:path";
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { AdminClient, type AdminLine } from "../../src/cli/admin-client.ts";
import { givenFolder } from "../support/kintsugi-process.ts";
import { givenWorkers, KEYS } from "../support/several-workers.ts";
import { bytesOf, md5 } from "../support/store-lab.ts";
import { until } from "../support/until.ts";

const KIB = 1024;
const SIZES = [100, 40 * KIB, 300 * KIB, 1_200 * KIB];
const bodyOf = (n: number): Buffer => bytesOf(SIZES[n % SIZES.length] ?? 0, n);
const LIMIT_MS = 90_000;

interface Drives extends AdminLine {
  readonly change: { readonly phase: string };
  readonly drives: readonly { readonly role: string }[];
}

test("a drive is added and another drained beside two workers", async () => {
  const folder = await givenFolder();
  const seventh = join(await givenFolder(), "seventh");
  const lab = await givenWorkers({ workers: 2, folder });
  const workers = [lab.lead, ...lab.sides];
  const clients = await Promise.all(workers.map((pid) => lab.clientAt(pid)));
  const admin = new AdminClient({ endpoint: lab.adminUrl, key: KEYS, isInsecure: false });
  let count = 0;
  const turn = async (): Promise<void> => {
    for (const client of clients) {
      await client.send(
        new PutObjectCommand({ Bucket: "bucket", Key: `key-${count}`, Body: bodyOf(count) }),
      );
      count += 1;
    }
    // Each reads what another wrote.
    for (const [position, client] of clients.entries()) {
      const n = count - 1 - position;
      const { Body } = await client.send(
        new GetObjectCommand({ Bucket: "bucket", Key: `key-${n}` }),
      );
      const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array(0);
      expect(md5(bytes), `key-${n}`).toBe(md5(bodyOf(n)));
    }
  };
  const change = async (path: string, fields: object): Promise<void> => {
    await admin.run(path, fields, () => undefined);
    await until(LIMIT_MS, `${path} is over`, async () => {
      await turn();
      const { change: now, drives } = (await admin.get("/v1/drives")) as Drives;
      const isMoving = drives.some(({ role }) => role === "joining" || role === "leaving");
      return now.phase === "idle" && !isMoving;
    });
  };
  for (let n = 0; n < 10; n += 1) await turn();
  await change("/v1/drives/add", { folders: [seventh] });
  await change("/v1/drives/drain", { drive: join(folder, "drive-3") });
  await until(LIMIT_MS, "it is taken out", async () => {
    await turn();
    return admin
      .run("/v1/drives/remove", { drive: "3" }, () => undefined)
      .then(
        () => true,
        () => false,
      );
  });
  await turn();
  for (const client of clients) {
    for (let n = 0; n < count; n += 1) {
      const { Body } = await client.send(
        new GetObjectCommand({ Bucket: "bucket", Key: `key-${n}` }),
      );
      const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array(0);
      expect(md5(bytes), `key-${n}`).toBe(md5(bodyOf(n)));
    }
  }
  const findings: AdminLine[] = [];
  const report = await admin.run("/v1/verify", {}, (line) => {
    if (line.type === "finding") findings.push(line);
  });
  expect(findings).toEqual([]);
  expect(report["isComplete"]).toBe(true);
}, 240_000);
