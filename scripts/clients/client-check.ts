// What a check of one client is: how to tell whether the client is installed, and what to do with it. A check throws
// when bytes differ or the client fails.

import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

export interface CheckContext {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** A fresh folder of this check's own. */
  readonly folder: string;
  /** A bucket that exists and is this check's own. */
  readonly bucket: string;
  /** Runs a command to its end, with the credentials in its environment. @throws when it fails */
  readonly run: (command: string, args: readonly string[], options?: RunOptions) => Promise<string>;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

export interface ClientCheck {
  readonly name: string;
  /** A command that succeeds where the client is installed. */
  readonly probe: readonly string[];
  readonly check: (context: CheckContext) => Promise<void>;
}

const OUTPUT_SHOWN = 4_000;

export function runCommand(
  command: string,
  args: readonly string[],
  { env = {}, input }: RunOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: "pipe" });
    let output = "";
    let errors = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(output);
      else {
        const said = `${output}\n${errors}`.trim().slice(-OUTPUT_SHOWN);
        reject(new Error(`${command} ${args.join(" ")}: exit ${code}\n${said}`));
      }
    });
    child.stdin.end(input ?? "");
  });
}

/** Writes random bytes to a file; resolves to its path. */
export function givenFile(path: string, sizeBytes: number): string {
  writeFileSync(path, randomBytes(sizeBytes));
  return path;
}

const digest = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

export function assertSameFile(left: string, right: string): void {
  if (digest(left) !== digest(right)) throw new Error(`${left} and ${right} differ`);
}

export function assertEqual(found: unknown, wanted: unknown, what: string): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (left !== right) throw new Error(`${what}: ${left} instead of ${right}`);
}

export const MIB = 1024 * 1024;
