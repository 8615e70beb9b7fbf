// A bucket with versioning, or with object lock, of one test alone, and the calls that such tests make most.

import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { DeleteObjectCommandInput, PutObjectCommandInput } from "@aws-sdk/client-s3";
import { startS3 } from "./s3-server.ts";
import type { S3Lab } from "./s3-server.ts";

export interface VersionedLab extends S3Lab {
  readonly setVersioning: (Status: "Enabled" | "Suspended") => Promise<void>;
  /** Resolves to the id of the version, "" where the answer has none. */
  readonly put: (
    Key: string,
    Body: Uint8Array | string,
    more?: Partial<PutObjectCommandInput>,
  ) => Promise<string>;
  readonly get: (Key: string, VersionId?: string) => Promise<string>;
  readonly remove: (
    Key: string,
    VersionId?: string,
    more?: Partial<DeleteObjectCommandInput>,
  ) => Promise<Removal>;
  /** What the listing says, in its order: `key id` and, of delete markers, ` marker`; the latest with `*` in front. */
  readonly listed: () => Promise<readonly string[]>;
}

interface Removal {
  readonly VersionId: string | undefined;
  readonly DeleteMarker: boolean | undefined;
}

export async function startVersioned(Status?: "Enabled" | "Suspended"): Promise<VersionedLab> {
  const lab = bucketCalls(await startS3());
  if (Status !== undefined) await lab.setVersioning(Status);
  return lab;
}

/** The lab's own bucket is another one. */
export async function startLocked(): Promise<VersionedLab> {
  const lab = await startS3();
  const bucket = `${lab.bucket}-lock`.slice(-63);
  await lab.client.send(
    new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }),
  );
  const send: S3Lab["send"] = (request) => lab.send({ bucket, ...request });
  return bucketCalls({ ...lab, bucket, send });
}

function bucketCalls(lab: S3Lab): VersionedLab {
  const { client, bucket: Bucket } = lab;
  return {
    ...lab,
    setVersioning: async (Status) => {
      const VersioningConfiguration = { Status };
      await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    },
    put: async (Key, Body, more) => {
      const command = new PutObjectCommand({ Bucket, Key, Body, ...more });
      return (await client.send(command)).VersionId ?? "";
    },
    get: async (Key, VersionId) => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, VersionId }));
      return (await Body?.transformToString()) ?? "";
    },
    remove: async (Key, VersionId, more) => {
      const command = new DeleteObjectCommand({ Bucket, Key, VersionId, ...more });
      const { VersionId: id, DeleteMarker } = await client.send(command);
      return { VersionId: id, DeleteMarker };
    },
    listed: async () => {
      const page = await client.send(new ListObjectVersionsCommand({ Bucket }));
      return [
        ...(page.Versions ?? []).map(lineOf),
        ...(page.DeleteMarkers ?? []).map((marker) => `${lineOf(marker)} marker`),
      ];
    },
  };
}

interface Entry {
  readonly Key?: string | undefined;
  readonly VersionId?: string | undefined;
  readonly IsLatest?: boolean | undefined;
}

function lineOf({ Key, VersionId, IsLatest }: Entry): string {
  return `${IsLatest === true ? "*" : ""}${Key} ${VersionId}`;
}
