// The command line of the commands that ask a server's admin API: which server, with whose key, printing where.

import type { CommandContext } from "../cli/admin-commands.ts";
import type { RootKey } from "../cli/sign-request.ts";
import { readConfig } from "../config.ts";
import type { Environment } from "../config/environment.ts";
import type { Settings } from "../config/settings-table.ts";
import { UsageError } from "../config/usage-error.ts";
import { endpointOf } from "./endpoint.ts";

export interface AdminCommand {
  readonly context: CommandContext;
  readonly operands: readonly string[];
}

/** @throws UsageError */
export async function readAdminCommand(
  name: string,
  args: readonly string[],
  operandsMax: number,
): Promise<AdminCommand> {
  const { env } = process;
  const { settings, operands } = await readConfig({ role: "admin", args, env, mayCreate: false });
  if (operands.length > operandsMax) {
    throw new UsageError(
      operandsMax === 0
        ? `kintsugi ${name} takes no ${String(operands[0])}: it asks a running server (--endpoint)`
        : `kintsugi ${name} takes ${operandsMax === 1 ? "one operand" : `${operandsMax} operands`}`,
    );
  }
  const { adminEndpoint, insecure, json } = settings;
  const context = {
    endpoint: adminEndpoint ?? ownEndpoint(settings),
    key: rootKeyOf(settings, env),
    // One's own server by its settings: its certificate names the public host, and nothing secret is sent.
    isInsecure: insecure || adminEndpoint === undefined,
    isJson: json,
    stdout: process.stdout,
    stderr: process.stderr,
  };
  return { context, operands };
}

/** Where the admin API of a server with these settings is reached from this machine. */
function ownEndpoint({ adminHost, adminPort, tlsCert }: Settings): string {
  if (adminPort === "none" || adminPort === 0) {
    throw new UsageError("the settings give the admin API no fixed port: name it with --endpoint");
  }
  const host = ["0.0.0.0", "::"].includes(adminHost) ? "127.0.0.1" : adminHost;
  return endpointOf({ host, port: adminPort, isTls: tlsCert !== undefined });
}

/** Those of the settings, or those that S3 clients take. */
function rootKeyOf({ accessKey, secretKey }: Settings, env: Environment): RootKey {
  if (accessKey !== undefined && secretKey !== undefined) return { accessKey, secretKey };
  const awsKey = env["AWS_ACCESS_KEY_ID"];
  const awsSecret = env["AWS_SECRET_ACCESS_KEY"];
  if (awsKey && awsSecret) return { accessKey: awsKey, secretKey: awsSecret };
  throw new UsageError(
    "the root account's keys are needed: KINTSUGI_ACCESS_KEY and KINTSUGI_SECRET_KEY (or ..._FILE). " +
      "They are those of the server's configuration, or those that its first start showed",
  );
}
