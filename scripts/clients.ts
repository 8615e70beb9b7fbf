// `npm run clients [-- name]`: drives real S3 clients against a server with default settings and compares bytes.
// A client that is not installed is skipped, loudly. Ends with 1 when one fails.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { startOwnServer } from "../bench/own-server.ts";
import { type CheckContext, type ClientCheck, runCommand } from "./clients/client-check.ts";
import { commandClients } from "./clients/command-clients.ts";
import { javascriptClients } from "./clients/javascript-clients.ts";
import { boto3 } from "./clients/python-clients.ts";

const CHECKS: readonly ClientCheck[] = [...javascriptClients, boto3, ...commandClients];

type Result = "failed" | "passed" | "skipped";

async function runCheck(client: ClientCheck, base: Omit<CheckContext, "folder">): Promise<Result> {
  const [command = "", ...args] = client.probe;
  try {
    await runCommand(command, args);
  } catch {
    console.log(`SKIP    ${client.name}: not installed`);
    return "skipped";
  }
  const folder = mkdtempSync(join(tmpdir(), "kintsugi-client-"));
  try {
    await client.check({ ...base, folder });
    console.log(`ok      ${client.name}`);
    return "passed";
  } catch (error) {
    console.log(`FAILED  ${client.name}\n${error instanceof Error ? error.stack : String(error)}`);
    return "failed";
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const server = await startOwnServer();
const { accessKey, secretKey } = server;
const endpoint = server.endpoint.href.replace(/\/$/, "");
const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey };
const s3 = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
// The clients' own configuration files and variables must not decide what is tested. One that is there and empty is refused.
delete process.env["AWS_CA_BUNDLE"];
const env = {
  AWS_ACCESS_KEY_ID: accessKey,
  AWS_SECRET_ACCESS_KEY: secretKey,
  AWS_DEFAULT_REGION: "us-east-1",
  AWS_CONFIG_FILE: "/dev/null",
  AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
};
const [only] = process.argv.slice(2);
const results: Result[] = [];
try {
  for (const [index, client] of CHECKS.entries()) {
    if (only !== undefined && !client.name.includes(only)) continue;
    const bucket = `client-${index}`;
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    const run: CheckContext["run"] = (command, args, options = {}) =>
      runCommand(command, args, { ...options, env: { ...env, ...options.env } });
    results.push(await runCheck(client, { endpoint, accessKey, secretKey, bucket, run }));
  }
} finally {
  await server.stop();
}
const count = (result: Result) => results.filter((one) => one === result).length;
console.log(`\n${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`);
process.exitCode = count("failed") > 0 || results.length === 0 ? 1 : 0;
