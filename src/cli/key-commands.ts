// The commands about the master key: which is in use, a copy of it in a file, and word that there is a copy. Each resolves to
// its exit code.

import { open, rm, type FileHandle } from "node:fs/promises";
import { isOwnMachine } from "../util/own-machine.ts";
import { AdminClient, AdminRefusal } from "./admin-client.ts";
import type { CommandContext } from "./admin-commands.ts";
import { plainText } from "./plain-text.ts";

const WELL = 0;
const NOT_WELL = 1;
const OWNER_ONLY = 0o600;
const BARE =
  "The server has no secret to seal its own copy with (root keys or a cluster secret that are given): it lies in the metadata in the clear, and protects against nobody who has a drive with a copy of that.";

/** @throws AdminRefusal */
export async function showKey(context: CommandContext): Promise<number> {
  const answer = await new AdminClient(context).get("/v1/key");
  const fields = fieldsOf(answer);
  const isReady = fields.get("isReady") === true;
  const obstacle = fields.get("obstacle");
  const id = textOf(fields.get("id"));
  const words = [
    `master key  ${id === undefined ? "none" : `${id} (${textOf(fields.get("origin")) ?? "unknown"})`}`,
    `encryption  ${isReady ? "on" : "off"}`,
    ...(typeof obstacle === "string" ? [obstacle] : []),
  ];
  const text = context.isJson ? JSON.stringify(answer) : words.map(plainText).join("\n");
  context.stdout.write(`${text}\n`);
  return isReady ? WELL : NOT_WELL;
}

/** To `path`, which must not exist, or to standard output. The key is used once it has been written. @throws AdminRefusal */
export async function exportKey(context: CommandContext, path?: string): Promise<number> {
  requireKnownServer(context);
  // Before the key is asked for: one that cannot be written must not count as exported.
  const file = path === undefined ? undefined : await createFile(path);
  let isWritten = false;
  try {
    const answer = await post(context, "/v1/key/export", {});
    const [id, key] = [textOf(answer.get("id")), textOf(answer.get("key"))];
    if (id === undefined || key === undefined) {
      throw new AdminRefusal("the server's answer is of a form that this version does not know");
    }
    const text = `# Kintsugi master key ${id}\n${key}\n`;
    if (file === undefined) {
      context.stdout.write(text);
    } else {
      await file.writeFile(text);
      await file.sync();
    }
    isWritten = true;
    const status = await post(context, "/v1/key/confirm", { id });
    const place = path === undefined ? "printed" : `written to ${path}`;
    const words = [
      `The master key ${id} was ${place}. Keep it away from the server's drives: should the server lose its own copy, nothing else opens what is encrypted.`,
      ...(status.get("isBare") === true ? [BARE] : []),
      "Encryption (SSE-S3) is on.",
    ];
    context.stderr.write(`${words.join("\n")}\n`);
    return WELL;
  } catch (error) {
    if (path !== undefined && !isWritten) await rm(path, { force: true });
    throw error;
  } finally {
    await file?.close();
  }
}

/** @throws AdminRefusal */
export async function confirmKey(context: CommandContext, id: string): Promise<number> {
  await post(context, "/v1/key/confirm", { id });
  context.stderr.write(`Encryption (SSE-S3) is on, with the master key ${id}.\n`);
  return WELL;
}

/** What answers without a certificate that can be verified may be anybody, unless it is this machine. */
function requireKnownServer({ endpoint, isInsecure }: CommandContext): void {
  const { hostname } = new URL(endpoint);
  const host = hostname.replaceAll(/[[\]]/g, "");
  if (!isInsecure || host === "localhost" || isOwnMachine(host)) return;
  throw new AdminRefusal("a key is taken from another machine only if its certificate is verified");
}

async function createFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, "wx", OWNER_ONLY);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new AdminRefusal(`cannot make ${path}: ${words}`, { cause: error });
  }
}

async function post(
  context: CommandContext,
  path: string,
  query: object,
): Promise<ReadonlyMap<string, unknown>> {
  return fieldsOf(await new AdminClient(context).run(path, query, () => undefined));
}

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
