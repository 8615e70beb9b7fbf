// `npm run terraform-calls`: the calls that Terraform's AWS provider makes for a bucket, by boto3 (terraform-calls.py), on
// a server with default settings. Python with boto3 is TERRAFORM_CALLS_PYTHON, else python3.

import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { startOwnServer } from "../bench/own-server.ts";

const SCRIPT = fileURLToPath(new URL("terraform-calls.py", import.meta.url));

// Encryption with managed keys needs a master key; a key that is given counts as one that the operator has.
const server = await startOwnServer({
  env: { KINTSUGI_MASTER_KEY: randomBytes(32).toString("base64") },
});
try {
  const endpoint = server.endpoint.href.replace(/\/$/, "");
  const python = process.env["TERRAFORM_CALLS_PYTHON"] ?? "python3";
  const { status } = spawnSync(python, [SCRIPT, endpoint, "terraform-calls"], {
    stdio: "inherit",
    // The developer's own configuration must not decide what is tested.
    env: {
      ...process.env,
      AWS_ACCESS_KEY_ID: server.accessKey,
      AWS_SECRET_ACCESS_KEY: server.secretKey,
      AWS_CONFIG_FILE: "/dev/null",
      AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    },
  });
  process.exitCode = status ?? 1;
} finally {
  await server.stop();
}
