// A socket of which a program that cleans temporary files has removed the path, or the folder, has a door again soon, and
// keeps its connections; and a folder that is somebody else's is nobody's to talk in.

import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { KeptSocket } from "../../../src/util/kept-socket.ts";
import { requireOwnFolder } from "../../../src/util/own-folder.ts";

function givenParent(): string {
  const parent = mkdtempSync(join(tmpdir(), "kintsugi-kept-"));
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
  return parent;
}

async function givenSocket() {
  const folder = join(givenParent(), "folder");
  const path = join(folder, "a.sock");
  const kept = new KeptSocket(path, (socket) => socket.pipe(socket));
  await kept.open();
  onTestFinished(() => kept.close());
  return { folder, path, kept };
}

async function echo(socket: Socket, words: string): Promise<string> {
  socket.write(words);
  const [answer] = (await once(socket, "data")) as [Buffer];
  return answer.toString();
}

async function connected(path: string): Promise<Socket> {
  const socket = connect(path);
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

test.each(["the folder", "the socket"])("%s that was removed is made anew", async (what) => {
  const { folder, path, kept } = await givenSocket();
  const before = await connected(path);
  rmSync(what === "the folder" ? folder : path, { recursive: true });
  await kept.look();
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(await echo(await connected(path), "new")).toBe("new");
  expect(await echo(before, "old")).toBe("old");
  kept.close();
  expect(existsSync(path)).toBe(false);
});

test("what stands in a folder of somebody else stays away, until that is gone", async () => {
  const { folder, path, kept } = await givenSocket();
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  chmodSync(folder, 0o777);
  await kept.look();
  expect(existsSync(path)).toBe(false);
  rmSync(folder, { recursive: true });
  await kept.look();
  expect(await echo(await connected(path), "new")).toBe("new");
});

test("what has grown old is young again, and what was closed stays away", async () => {
  const { folder, path, kept } = await givenSocket();
  const long = new Date(Date.now() - 9 * 24 * 60 * 60 * 1_000);
  for (const each of [path, folder]) utimesSync(each, long, long);
  await kept.look();
  for (const each of [path, folder]) expect(statSync(each).mtimeMs).toBeGreaterThan(long.getTime());
  kept.close();
  await kept.look();
  expect(existsSync(path)).toBe(false);
});

test("only a folder that others cannot write to is one's own", () => {
  const folder = givenParent();
  expect(() => requireOwnFolder(folder)).not.toThrow();
  chmodSync(folder, 0o750);
  expect(() => requireOwnFolder(folder)).toThrow(/not this user's alone/);
  expect(() => requireOwnFolder(join(folder, "none"))).toThrow(/ENOENT/);
});
