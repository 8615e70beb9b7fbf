// Clients that are commands: aws cli, rclone, s3cmd, curl, restic. Each writes, reads back and compares bytes.

import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  assertEqual,
  assertSameFile,
  type CheckContext,
  type ClientCheck,
  givenFile,
  MIB,
} from "./client-check.ts";

/** A tree with files of awkward names and of sizes on both sides of every threshold. */
function givenTree(folder: string): string {
  const root = join(folder, "tree");
  mkdirSync(join(root, "deep/er"), { recursive: true });
  const sizes = { empty: 0, small: 1_000, "with space+plus": 20_000, "ümläut-😀": 70_000 };
  for (const [name, size] of Object.entries(sizes)) givenFile(join(root, name), size);
  givenFile(join(root, "deep/er/medium"), 3 * MIB);
  givenFile(join(root, "deep/large"), 21 * MIB + 1);
  return root;
}

/** Paths of the files below a folder, relative to it. */
const filesOf = (root: string) =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
    .toSorted();

function assertSameTree(left: string, right: string): void {
  assertEqual(filesOf(right), filesOf(left), "the files of the tree");
  for (const file of filesOf(left)) assertSameFile(left + file, right + file);
}

const awsCli: ClientCheck = {
  name: "aws cli (cp, sync, presign)",
  probe: ["aws", "--version"],
  async check({ endpoint, bucket, folder, run }) {
    const aws = (...args: string[]) => run("aws", ["--endpoint-url", endpoint, ...args]);
    const tree = givenTree(folder);
    const large = join(tree, "deep/large");
    await aws("s3", "cp", large, `s3://${bucket}/cp/large`);
    await aws("s3", "cp", `s3://${bucket}/cp/large`, join(folder, "large"));
    assertSameFile(large, join(folder, "large"));
    await aws("s3", "sync", tree, `s3://${bucket}/sync`);
    const again = await aws("s3", "sync", tree, `s3://${bucket}/sync`);
    assertEqual(again.trim(), "", "a second sync has nothing to do");
    await aws("s3", "sync", `s3://${bucket}/sync`, join(folder, "back"));
    assertSameTree(tree, join(folder, "back"));
    const url = await aws("s3", "presign", `s3://${bucket}/sync/small`);
    await run("curl", ["-sfo", join(folder, "presigned"), url.trim()]);
    assertSameFile(join(tree, "small"), join(folder, "presigned"));
    await aws("s3", "mv", `s3://${bucket}/cp/large`, `s3://${bucket}/cp/moved`);
    await aws("s3", "rm", "--recursive", `s3://${bucket}`);
    assertEqual((await aws("s3", "ls", `s3://${bucket}`)).trim(), "", "the emptied bucket");
  },
};

function rcloneEnv({ endpoint, accessKey, secretKey }: CheckContext) {
  return {
    RCLONE_CONFIG_K_TYPE: "s3",
    RCLONE_CONFIG_K_PROVIDER: "Other",
    RCLONE_CONFIG_K_ENDPOINT: endpoint,
    RCLONE_CONFIG_K_ACCESS_KEY_ID: accessKey,
    RCLONE_CONFIG_K_SECRET_ACCESS_KEY: secretKey,
    RCLONE_CONFIG: "/dev/null",
  };
}

const rclone: ClientCheck = {
  name: "rclone (sync, check --download)",
  probe: ["rclone", "version"],
  async check(context) {
    const { bucket, folder, run } = context;
    const env = rcloneEnv(context);
    const tree = givenTree(folder);
    await run("rclone", ["sync", tree, `k:${bucket}/r`], { env });
    await run("rclone", ["check", "--download", tree, `k:${bucket}/r`], { env });
    await run("rclone", ["sync", `k:${bucket}/r`, join(folder, "back")], { env });
    assertSameTree(tree, join(folder, "back"));
    await run("rclone", ["copy", `k:${bucket}/r`, `k:${bucket}/copy`], { env });
    await run("rclone", ["check", "--download", tree, `k:${bucket}/copy`], { env });
    await run("rclone", ["delete", `k:${bucket}`], { env });
  },
};

const s3cmd: ClientCheck = {
  name: "s3cmd (sync, get, del)",
  probe: ["s3cmd", "--version"],
  async check({ endpoint, accessKey, secretKey, bucket, folder, run }) {
    const { host } = new URL(endpoint);
    const config = join(folder, "s3cfg");
    const lines = [
      "[default]",
      `access_key = ${accessKey}`,
      `secret_key = ${secretKey}`,
      `host_base = ${host}`,
      `host_bucket = ${host}`,
      "use_https = False",
    ];
    writeFileSync(config, `${lines.join("\n")}\n`);
    const s3 = (...args: string[]) => run("s3cmd", ["-c", config, "--no-progress", ...args]);
    const tree = givenTree(folder);
    await s3("sync", `${tree}/`, `s3://${bucket}/s/`);
    await s3("sync", `s3://${bucket}/s/`, `${join(folder, "back")}/`);
    assertSameTree(tree, join(folder, "back"));
    await s3("info", `s3://${bucket}/s/small`);
    // It would give the copy the list of the original, which a new bucket refuses, as on S3.
    await s3("--acl-private", "cp", `s3://${bucket}/s/small`, `s3://${bucket}/s/copied`);
    await s3("get", `s3://${bucket}/s/copied`, join(folder, "copied"));
    assertSameFile(join(tree, "small"), join(folder, "copied"));
    await s3("del", "--recursive", "--force", `s3://${bucket}/s/`);
  },
};

const curl: ClientCheck = {
  name: "curl --aws-sigv4",
  probe: ["curl", "--version"],
  async check({ endpoint, accessKey, secretKey, bucket, folder, run }) {
    const file = givenFile(join(folder, "file"), 2 * MIB);
    const signed = [
      "-sSf",
      "--aws-sigv4",
      "aws:amz:us-east-1:s3",
      "-u",
      `${accessKey}:${secretKey}`,
    ];
    // S3 wants this header on every request; curl adds it by itself from 8.0 on.
    const hash = ["-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"];
    const url = `${endpoint}/${bucket}/by-curl`;
    await run("curl", [...signed, ...hash, "-T", file, url]);
    await run("curl", [...signed, ...hash, "-o", join(folder, "back"), url]);
    assertSameFile(file, join(folder, "back"));
    await run("curl", [...signed, ...hash, "-X", "DELETE", url]);
  },
};

const restic: ClientCheck = {
  name: "restic (backup, check, restore)",
  probe: ["restic", "version"],
  async check({ endpoint, accessKey, secretKey, bucket, folder, run }) {
    const tree = givenTree(folder);
    const env = {
      AWS_ACCESS_KEY_ID: accessKey,
      AWS_SECRET_ACCESS_KEY: secretKey,
      RESTIC_REPOSITORY: `s3:${endpoint}/${bucket}/restic`,
      RESTIC_PASSWORD: "a password",
      RESTIC_CACHE_DIR: join(folder, "cache"),
    };
    for (const args of [["init"], ["backup", tree], ["check", "--read-data"]]) {
      await run("restic", args, { env });
    }
    await run("restic", ["restore", "latest", "--target", join(folder, "back")], { env });
    assertSameTree(tree, join(folder, "back", tree));
    await run("restic", ["forget", "--prune", "--keep-last", "1"], { env });
  },
};

export const commandClients: readonly ClientCheck[] = [awsCli, rclone, s3cmd, curl, restic];
