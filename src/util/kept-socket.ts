// A server on a Unix socket that lasts: files in a folder for temporary ones are removed by programs that clean it, and with
// its path a socket has no door any more. So it is kept young, and where it is gone it is made anew, with its folder.
// Connections that are there stay.

import { mkdir, rm, stat, utimes } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { requireOwnFolder } from "./own-folder.ts";

/** What Linux takes: a longer path would be cut off, and name something else. */
const PATH_BYTES_MAX = 107;
/** How often it is looked whether it is there. */
const LOOK_MS = 5_000;
/** Far below the age at which files are cleaned away. */
const YOUNG_MS = 60 * 60 * 1_000;
const FOLDER_MODE = 0o700;

export class KeptSocket {
  readonly #path: string;
  readonly #onConnection: (socket: Socket) => void;
  #server: Server | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(path: string, onConnection: (socket: Socket) => void) {
    this.#path = path;
    this.#onConnection = onConnection;
  }

  /** What lies at the path is removed; its folder is made where it is missing. @throws when there can be no socket. */
  async open(): Promise<void> {
    if (Buffer.byteLength(this.#path) > PATH_BYTES_MAX) {
      throw new Error(`${this.#path} is too long for a socket`);
    }
    await this.#makeAnew();
    this.#timer ??= setInterval(() => void this.look(), LOOK_MS).unref();
  }

  /** What the timer does; what fails is tried again the next time. */
  async look(): Promise<void> {
    try {
      const { mtimeMs } = await stat(this.#path);
      if (Date.now() - mtimeMs < YOUNG_MS) return;
      const now = new Date();
      await Promise.all([this.#path, dirname(this.#path)].map((path) => utimes(path, now, now)));
    } catch (error) {
      if (isMissing(error)) await this.#makeAnew().catch(() => undefined);
    }
  }

  /** Nobody else is let in; connections that are there stay. Harmless when it was never open. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#server?.close();
  }

  async #makeAnew(): Promise<void> {
    const folder = dirname(this.#path);
    await mkdir(folder, { mode: FOLDER_MODE }).catch(ignoreThere);
    requireOwnFolder(folder);
    if (this.#isClosed) return;
    // Closing removes whatever has the path: before there is another.
    this.#server?.close();
    await rm(this.#path, { force: true });
    await this.#listen();
  }

  #listen(): Promise<void> {
    const server = createServer(this.#onConnection);
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#path, () => {
        server.off("error", reject);
        // A connection that could not be accepted is tried again by who wanted it.
        server.on("error", () => undefined);
        if (this.#isClosed) server.close();
        resolve();
      });
    });
  }
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === "ENOENT";
}

function ignoreThere(error: unknown): void {
  if (codeOf(error) !== "EEXIST") throw error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
