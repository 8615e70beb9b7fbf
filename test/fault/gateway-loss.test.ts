// What a gateway loses is on the drives of its nodes: its folder, two nodes with it, and yet everything is there; and what
// a gateway says that must not start: with too few copies, with the nodes of another cluster, with empty ones.

import { randomBytes } from "node:crypto";
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketTaggingCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  UploadPartCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { atEnd, withEnds } from "../support/at-end.ts";
import { Cluster } from "../support/cluster.ts";

const MIB = 1024 * 1024;
const Bucket = "kept";

const givenCluster = (nodeCount: number): Promise<Cluster> => Cluster.start(nodeCount, atEnd);

// They wait for nodes most of the time, and each has a cluster of its own.
const apart = (name: string, work: () => Promise<void>): void =>
  // oxlint-disable-next-line vitest/expect-expect -- the work that is given has them
  test.concurrent(name, { timeout: 240_000 }, () => withEnds(work));

/** Every kind of thing that the metadata knows. */
class Contents {
  readonly #objects = new Map<string, Buffer>();
  #openUploadId: string | undefined;

  async make(client: S3Client): Promise<void> {
    await client.send(new CreateBucketCommand({ Bucket }));
    await client.send(new CreateBucketCommand({ Bucket: "empty" }));
    const Tagging = { TagSet: [{ Key: "owner", Value: "us" }] };
    await client.send(new PutBucketTaggingCommand({ Bucket, Tagging }));
    for (const sizeBytes of [0, 5_000, 100_000, MIB + 1, 5 * MIB]) {
      await this.put(client, `object-${sizeBytes}`, randomBytes(sizeBytes));
    }
    await this.put(client, "object-5000", randomBytes(40_000));
    for (const Key of ["deleted-small", "deleted-large"]) {
      await this.put(client, Key, randomBytes(Key === "deleted-small" ? 100 : 2 * MIB));
      await client.send(new DeleteObjectCommand({ Bucket, Key }));
      this.#objects.delete(Key);
    }
    await this.#makeUploads(client);
  }

  async put(client: S3Client, Key: string, Body: Buffer): Promise<void> {
    await client.send(new PutObjectCommand({ Bucket, Key, Body, Tagging: "kind=test" }));
    this.#objects.set(Key, Body);
  }

  async #makeUploads(client: S3Client): Promise<void> {
    const part = async (Key: string, UploadId: string | undefined, Body: Buffer) => {
      const sent = { Bucket, Key, UploadId, Body, PartNumber: 1 };
      return client.send(new UploadPartCommand(sent));
    };
    const done = { Bucket, Key: "in-parts" };
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(done));
    const content = randomBytes(MIB);
    const { ETag } = await part(done.Key, UploadId, content);
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    const whole = { ...done, UploadId, MultipartUpload };
    await client.send(new CompleteMultipartUploadCommand(whole));
    this.#objects.set(done.Key, content);
    const open = { Bucket, Key: "open" };
    this.#openUploadId = (await client.send(new CreateMultipartUploadCommand(open))).UploadId;
    await part(open.Key, this.#openUploadId, randomBytes(100));
  }

  async expectIn(client: S3Client): Promise<void> {
    const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
    expect(Buckets.map(({ Name }) => Name)).toEqual(["empty", Bucket]);
    const { TagSet } = await client.send(new GetBucketTaggingCommand({ Bucket }));
    expect(TagSet).toEqual([{ Key: "owner", Value: "us" }]);
    const { Contents: listed = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
    expect(listed.map(({ Key }) => Key)).toEqual([...this.#objects.keys()].toSorted());
    for (const [Key, content] of this.#objects) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      const bytes = await Body?.transformToByteArray();
      expect([Key, bytes !== undefined && content.equals(bytes)]).toEqual([Key, true]);
    }
    const tagged = { Bucket, Key: "object-0" };
    const { TagSet: tags } = await client.send(new GetObjectTaggingCommand(tagged));
    expect(tags).toEqual([{ Key: "kind", Value: "test" }]);
    const open = { Bucket, Key: "open", UploadId: this.#openUploadId };
    expect((await client.send(new ListPartsCommand(open))).Parts).toHaveLength(1);
  }
}

apart(
  "F77 the gateway's folder deleted, two nodes' folders too: started anew, everything is there",
  async () => {
    const cluster = await givenCluster(6);
    const contents = new Contents();
    await contents.make(cluster.client);
    await cluster.killGateway();
    await cluster.loseGatewayFolder();
    await cluster.wipe(1, 4);
    await cluster.revive(1, 4);
    await cluster.startGateway();
    await contents.expectIn(cluster.client);

    // And once more with the two not even there, from the copies on the four.
    await cluster.killGateway();
    await cluster.loseGatewayFolder();
    await cluster.kill(1, 4);
    await cluster.startGateway();
    await contents.expectIn(cluster.client);
  },
);

apart(
  "a gateway that comes back with an old folder has what was written through another one since",
  async () => {
    const cluster = await givenCluster(3);
    const contents = new Contents();
    await contents.make(cluster.client);
    await cluster.killGateway();
    await cluster.startGateway("second");
    await contents.put(cluster.client, "object-0", randomBytes(3_000));
    await contents.put(cluster.client, "written-since", randomBytes(300_000));
    await cluster.killGateway();
    await cluster.startGateway();
    await contents.expectIn(cluster.client);
  },
);

apart(
  "with too few copies of the metadata it says which are missing, and goes on when one is back",
  async () => {
    const cluster = await givenCluster(3);
    const contents = new Contents();
    await contents.make(cluster.client);
    await cluster.killGateway();
    await cluster.loseGatewayFolder();
    await cluster.kill(0, 1);
    const gateway = cluster.spawnGateway("gateway");
    await gateway.waitFor(/waiting for data nodes: http:\S+ \(.*, http:\S+ \(/);
    expect(gateway.stdout).toBe("");
    await cluster.revive(0);
    await contents.expectIn(await cluster.clientOf(gateway));
  },
);

apart(
  "nodes that are all empty are not taken for those that held the copies, unless the loss is accepted",
  async () => {
    const cluster = await givenCluster(3);
    const { client } = cluster;
    await client.send(new CreateBucketCommand({ Bucket }));
    await client.send(new PutObjectCommand({ Bucket, Key: "small", Body: "in the metadata" }));
    await cluster.killGateway();
    await cluster.wipe(0, 1, 2);
    await cluster.revive(0, 1, 2);
    const refused = await cluster.spawnGateway("gateway").exited();
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/hold no copy of the metadata/);
    expect(refused.stderr).toMatch(/--accept-loss/);
    const named = cluster.spawnGateway("another", "--cluster-id", "0".repeat(32));
    const unknown = await named.exited();
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toMatch(/the cluster is to be 0{32}, and neither/);
    const accepted = await cluster.clientOf(cluster.spawnGateway("gateway", "--accept-loss", "on"));
    const { Body } = await accepted.send(new GetObjectCommand({ Bucket, Key: "small" }));
    expect(await Body?.transformToString()).toBe("in the metadata");
  },
);

apart("the nodes of another cluster are refused, and neither side is changed", async () => {
  const [ours, theirs] = [await givenCluster(3), await givenCluster(3)];
  await ours.client.send(new CreateBucketCommand({ Bucket: "ours" }));
  await theirs.client.send(new CreateBucketCommand({ Bucket: "theirs" }));
  await ours.killGateway();
  await theirs.killGateway();
  const gateway = theirs.spawnGateway(ours.gatewayFolder());
  const { code, stderr } = await gateway.exited();
  expect(code).toBe(1);
  expect(stderr).toMatch(/another cluster/);
  await ours.startGateway();
  await theirs.startGateway();
  expect(await namesIn(ours)).toEqual(["ours"]);
  expect(await namesIn(theirs)).toEqual(["theirs"]);
});

async function namesIn({ client }: Cluster): Promise<readonly (string | undefined)[]> {
  const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
  return Buckets.map(({ Name }) => Name);
}
