// A secret that lies in a file. The cluster's may be made by whoever of the cluster starts first: gateway and nodes that
// share a volume start together, one of them writes it, the others read what that one wrote.

import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UsageError } from "./usage-error.ts";

const SECRET_BYTES = 32;
const OWNER_ONLY = 0o600;
/** How long a file may stay empty while somebody else fills it. */
const FILL_MS_MAX = 10_000;
const LOOK_EVERY_MS = 50;

export interface SecretFileOptions {
  /** The variable that named the file, for messages. */
  readonly name: string;
  /** Whether an absent file is made, with a random secret. */
  readonly mayCreate: boolean;
  /** Whether another command would make it. */
  readonly isMadeAtStart?: boolean;
}

/**
 * The secret in a file, without the line's end.
 * @throws UsageError when it cannot be read, stays empty, or is absent and must not be made.
 */
export async function readSecretFile(path: string, options: SecretFileOptions): Promise<string> {
  const deadline = performance.now() + FILL_MS_MAX;
  for (;;) {
    const text = await readText(path, options);
    if (text === undefined) {
      if (!options.mayCreate) throw absent(path, options);
      await create(path, options);
    } else if (text !== "") {
      return text;
    } else if (!options.mayCreate || performance.now() > deadline) {
      throw new UsageError(`${options.name}: the file ${path} is empty`);
    } else {
      await sleep(LOOK_EVERY_MS);
    }
  }
}

function absent(path: string, { name, isMadeAtStart }: SecretFileOptions): UsageError {
  const hint = isMadeAtStart === true ? ": the first gateway or node that starts makes it" : "";
  return new UsageError(`${name}: there is no file ${path}${hint}`);
}

async function readText(path: string, { name }: SecretFileOptions): Promise<string | undefined> {
  try {
    return (await readFile(path, "utf8")).replace(/\r?\n$/, "");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw new UsageError(`${name}: cannot read ${path}: ${wordsOf(error)}`);
  }
}

/** Makes the file whole or not at all: it appears under its name with the secret in it, for one of those who try. */
async function create(path: string, { name }: SecretFileOptions): Promise<void> {
  const draft = `${path}.${randomBytes(8).toString("hex")}`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(draft, "wx", OWNER_ONLY);
    try {
      await file.writeFile(`${randomBytes(SECRET_BYTES).toString("hex")}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(draft, path);
  } catch (error) {
    // Somebody else was first: theirs holds.
    if (codeOf(error) === "EEXIST") return;
    throw new UsageError(`${name}: cannot make ${path}: ${wordsOf(error)}`);
  } finally {
    await rm(draft, { force: true });
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
