// What every Disk promises, told to each implementation. `openDisk` gives a disk whose folder exists and is empty.

import { expect, test } from "vitest";
import { DiskError, type Disk, type DiskErrorCode } from "../../src/disk/disk.ts";

const text = (value: string) => Buffer.from(value, "utf8");

export function describeDisk(openDisk: () => Promise<Disk>): void {
  test("appended chunks read back in order, at any offset", async () => {
    const disk = await openDisk();
    await givenFile(disk, "a", ["hello", "", " ", "world"]);

    const file = await disk.open("a");
    expect(file.sizeBytes).toBe(11);
    expect(await readText(disk, "a", 0, 11)).toBe("hello world");
    expect(await readText(disk, "a", 4, 3)).toBe("o w");
    await file.close();
  });

  test("a read past the end is short, and one beyond it is empty", async () => {
    const disk = await openDisk();
    await givenFile(disk, "a", ["abc"]);
    expect(await readText(disk, "a", 1, 10)).toBe("bc");
    expect(await readText(disk, "a", 3, 10)).toBe("");
    expect(await readText(disk, "a", 99, 1)).toBe("");
  });

  test("many chunks in one append arrive whole", async () => {
    const disk = await openDisk();
    const chunks = Array.from({ length: 3_000 }, (_, index) => text(String(index % 10)));
    const file = await disk.create("many");
    await file.append(chunks);
    await file.append([]);
    await file.sync();
    await file.close();
    expect(Buffer.from(await disk.readFile("many"))).toEqual(Buffer.concat(chunks));
  });

  test("create refuses a file that exists, and leaves it", async () => {
    const disk = await openDisk();
    await givenFile(disk, "a", ["first"]);
    expect(await diskErrorOf(disk.create("a"))).toBe("EEXIST");
    expect(await readText(disk, "a", 0, 10)).toBe("first");
  });

  test("what is absent is ENOENT, and unlinking it is no error", async () => {
    const disk = await openDisk();
    expect(await diskErrorOf(disk.open("a"))).toBe("ENOENT");
    expect(await diskErrorOf(disk.readFile("a"))).toBe("ENOENT");
    expect(await diskErrorOf(disk.create("folder/a"))).toBe("ENOENT");
    expect(await diskErrorOf(disk.list("folder"))).toBe("ENOENT");
    expect(await diskErrorOf(disk.rename("a", "b"))).toBe("ENOENT");
    expect(await diskErrorOf(disk.syncDirectory("folder"))).toBe("ENOENT");
    await disk.unlink("a");
    await disk.unlink("folder/a");
  });

  test("makeDirectory makes all folders above, and finds those that are there", async () => {
    const disk = await openDisk();
    await disk.makeDirectory("");
    await disk.makeDirectory("a/b/c");
    await disk.makeDirectory("a/b/c");
    await givenFile(disk, "a/b/file", ["x"]);
    const entries = [...(await disk.list("a/b"))].toSorted((x, y) => (x.name < y.name ? -1 : 1));
    expect(entries).toEqual([
      { name: "c", isDirectory: true },
      { name: "file", isDirectory: false },
    ]);
  });

  test("rename replaces, and unlink removes", async () => {
    const disk = await openDisk();
    await givenFile(disk, "a", ["new"]);
    await givenFile(disk, "b", ["old"]);
    await disk.rename("a", "b");
    await disk.syncDirectory("");
    expect(await readText(disk, "b", 0, 10)).toBe("new");
    expect(await diskErrorOf(disk.open("a"))).toBe("ENOENT");
    await disk.unlink("b");
    expect(await disk.list("")).toEqual([]);
  });

  test("writeFile replaces the whole file and leaves no temporary one", async () => {
    const disk = await openDisk();
    await disk.makeDirectory("folder");
    await disk.writeFile("folder/a", text("a long first version"));
    await disk.writeFile("folder/a", text("short"));
    expect(Buffer.from(await disk.readFile("folder/a")).toString()).toBe("short");
    expect(await disk.list("folder")).toEqual([{ name: "a", isDirectory: false }]);
  });

  test("an open file goes on being readable after it is unlinked or replaced", async () => {
    const disk = await openDisk();
    await givenFile(disk, "a", ["kept"]);
    const file = await disk.open("a");
    await disk.writeFile("a", text("next"));
    await disk.unlink("a");
    const target = Buffer.alloc(4);
    expect(await file.read(target, 0)).toBe(4);
    expect(target.toString()).toBe("kept");
    await file.close();
  });

  test("a closed file refuses calls; closing twice is no error", async () => {
    const disk = await openDisk();
    const written = await disk.create("a");
    await written.close();
    await written.close();
    expect(await diskErrorOf(written.append([text("x")]))).toBe("OTHER");
    expect(await diskErrorOf(written.sync())).toBe("OTHER");
    const file = await disk.open("a");
    await file.close();
    await file.close();
    expect(await diskErrorOf(file.read(Buffer.alloc(1), 0))).toBe("OTHER");
  });

  test("a folder is no file", async () => {
    const disk = await openDisk();
    await disk.makeDirectory("folder");
    expect(await diskErrorOf(disk.open("folder"))).toBe("OTHER");
    expect(await diskErrorOf(disk.unlink("folder"))).toBe("OTHER");
    expect(await diskErrorOf(disk.create("folder"))).toBe("EEXIST");
  });

  test.each(["", "/a", "a/", "a//b", "..", "../a", "a/../b", "./a", "a\0b", "a\\b"])(
    "the path %j is refused",
    async (path) => {
      const disk = await openDisk();
      expect(await diskErrorOf(disk.create(path))).toBe("OTHER");
      expect(await diskErrorOf(disk.open(path))).toBe("OTHER");
      expect(await diskErrorOf(disk.writeFile(path, text("x")))).toBe("OTHER");
      expect(await diskErrorOf(disk.readFile(path))).toBe("OTHER");
      expect(await diskErrorOf(disk.unlink(path))).toBe("OTHER");
      expect(await diskErrorOf(disk.rename(path, "b"))).toBe("OTHER");
      expect(await diskErrorOf(disk.rename("b", path))).toBe("OTHER");
      if (path === "") return;
      expect(await diskErrorOf(disk.makeDirectory(path))).toBe("OTHER");
      expect(await diskErrorOf(disk.syncDirectory(path))).toBe("OTHER");
      expect(await diskErrorOf(disk.list(path))).toBe("OTHER");
    },
  );

  test("many calls at once all end well", async () => {
    const disk = await openDisk();
    await disk.makeDirectory("f");
    await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        await givenFile(disk, `f/${index}`, [`content ${index}`]);
        await disk.syncDirectory("f");
        expect(await readText(disk, `f/${index}`, 0, 50)).toBe(`content ${index}`);
      }),
    );
    expect(await disk.list("f")).toHaveLength(100);
  });

  test("space and device have sane answers", async () => {
    const disk = await openDisk();
    const space = await disk.space();
    expect(space.totalBytes).toBeGreaterThan(0);
    expect(space.freeBytes).toBeGreaterThanOrEqual(0);
    expect(space.freeBytes).toBeLessThanOrEqual(space.totalBytes);
    expect(Number.isInteger(await disk.device())).toBe(true);
  });
}

export async function givenFile(
  disk: Disk,
  path: string,
  chunks: readonly string[],
): Promise<void> {
  const file = await disk.create(path);
  await file.append(chunks.map(text));
  await file.sync();
  await file.close();
}

export async function readText(
  disk: Disk,
  path: string,
  offset: number,
  length: number,
): Promise<string> {
  const file = await disk.open(path);
  const target = Buffer.alloc(length);
  const count = await file.read(target, offset);
  await file.close();
  return target.toString("utf8", 0, count);
}

/** The code with which it rejects; what is no DiskError is thrown on. */
export async function diskErrorOf(work: Promise<unknown>): Promise<DiskErrorCode | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof DiskError) return error.code;
    throw error;
  }
}
