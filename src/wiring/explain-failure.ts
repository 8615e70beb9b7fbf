// Failures that everybody meets once (a folder of another user, a port in use), told with what to do about them.

import { existsSync } from "node:fs";
import { userInfo } from "node:os";

interface Errno {
  readonly code: string;
  readonly syscall: unknown;
  readonly path: string | undefined;
  readonly port: number | undefined;
  readonly address: string | undefined;
}

const CAUSES_MAX = 8;

/** The system's own error in an error or among its causes. */
export function errnoOf(error: unknown): Errno | undefined {
  let current = error;
  for (let depth = 0; depth < CAUSES_MAX && current instanceof Error; depth++) {
    if ("syscall" in current && "code" in current && typeof current.code === "string") {
      return {
        code: current.code,
        syscall: current.syscall,
        path: "path" in current && typeof current.path === "string" ? current.path : undefined,
        port: "port" in current && typeof current.port === "number" ? current.port : undefined,
        address:
          "address" in current && typeof current.address === "string" ? current.address : undefined,
      };
    }
    current = current.cause;
  }
  return undefined;
}

/** What to do about it, in a sentence or two; undefined for what has no simple remedy. */
export function explainFailure(error: unknown): string | undefined {
  const errno = errnoOf(error);
  if (errno === undefined) return undefined;
  const { code, syscall, path = "the folder", port, address } = errno;
  switch (code) {
    case "EACCES":
    case "EPERM":
      return port === undefined
        ? permissionWords(path)
        : `port ${port} may not be opened by this user: take one from 1024 upwards with --port`;
    case "EADDRINUSE":
      return `port ${port} on ${address} is in use by another process: stop that one, or take another port with --port (0 takes a free one)`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `this machine has no address ${address ?? "of that name"}: check --host`;
    case "EMFILE":
    case "ENFILE":
      return "too many files are open: raise the hard limit of this process (LimitNOFILE=65536 in systemd, ulimit -Hn)";
    case "ENOSPC":
      return `there is no room left for ${path}`;
    case "EROFS":
      return `${path} is on a file system that is mounted read-only`;
    case "ENOENT":
      // Node makes folders with those above them, and tells so what a read-only file system answers.
      return syscall === "mkdir"
        ? `${path} cannot be made: the file system above it is read-only, or takes no folders`
        : undefined;
    case "ENOTDIR":
    case "EEXIST":
      return `${path} is a file, or lies below one: name a folder`;
    default:
      return undefined;
  }
}

/** Says who we are, and the commands that give us the folder. */
export function permissionWords(path: string): string {
  const { uid, gid } = userInfo();
  const quoted = `'${path.replaceAll("'", String.raw`'\''`)}'`;
  // Never the folder above one that does not exist: that may be anybody's.
  const make = existsSync(path) ? "" : `sudo mkdir -p ${quoted} && `;
  return (
    `this process runs as user ${uid} and may not use ${path}. Give it the folder with\n` +
    `  ${make}sudo chown -R ${uid}:${gid} ${quoted} && sudo chmod -R u+rwX ${quoted}`
  );
}

/** Errors that were written for whoever starts the program: their message is all there is to say. */
const IN_WORDS = new Set(["BackupError", "DriveIdentityError", "S3Error", "StartError"]);

/** What to print when a role cannot start or go on: words where there are some, else everything there is. */
export function failureWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const remedy = explainFailure(error);
  if (IN_WORDS.has(error.name))
    return remedy === undefined ? error.message : `${error.message}\n${remedy}`;
  return remedy ?? error.stack ?? error.message;
}
