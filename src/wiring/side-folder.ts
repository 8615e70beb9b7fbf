// The folder of the sockets over which the workers of a server talk to each other: nobody else's, short-lived, and beside
// the drives, for a socket's path has little room and a drive may hang.

import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { WriterDoor } from "../metadata/sqlite/write-listener.ts";
import type { CloseStack } from "./close-stack.ts";
import { WRITES_SOCKET } from "./side-protocol.ts";
import type { SidePlan } from "./supervisor-protocol.ts";

const TOKEN_BYTES = 32;
/** The kernel takes 107 bytes for a socket's path, its own name and the random digits included. */
const FOLDER_BYTES_MAX = 70;
const SHORT_FOLDER = "/tmp";

/** Made with mode 0700; removed when the stack is closed. */
export async function makeSideFolder(count: number, closeStack: CloseStack): Promise<SidePlan> {
  const parent = Buffer.byteLength(tmpdir()) > FOLDER_BYTES_MAX ? SHORT_FOLDER : tmpdir();
  const folder = await mkdtemp(join(parent, "kintsugi-workers-"));
  closeStack.add(() => rm(folder, { recursive: true, force: true }));
  return { count, folder, token: randomBytes(TOKEN_BYTES).toString("hex") };
}

/** Where workers beside the lead reach its writer; undefined: there are none. */
export function writerDoorOf(plan: SidePlan | undefined): WriterDoor | undefined {
  return plan && { socketPath: join(plan.folder, WRITES_SOCKET), token: plan.token };
}
