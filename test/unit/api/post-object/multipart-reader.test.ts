// Forms taken apart as they come: every way of cutting the bytes gives the same parts, bytes that look like a boundary
// stay bytes, and what is not exactly of the form is refused. Cuts come from a printed seed.

import { expect, test } from "vitest";
import { MultipartReader } from "../../../../src/api/post-object/multipart-reader.ts";
import { seededRandom } from "../../../../src/util/seeded-random.ts";

interface Part {
  readonly name: string;
  readonly fileName?: string;
  readonly body: Buffer;
}

const BOUNDARY = "----cut";

function formOf(parts: readonly Part[], end = `--${BOUNDARY}--\r\n`): Buffer {
  const pieces = parts.flatMap(({ name, fileName, body }) => {
    const file = fileName === undefined ? "" : `; filename="${fileName}"`;
    const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`;
    return [Buffer.from(head), body, Buffer.from("\r\n")];
  });
  return Buffer.concat([...pieces, Buffer.from(end)]);
}

async function* cut(bytes: Buffer, next: () => number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const size = next();
    yield Buffer.from(bytes.subarray(at, at + size));
    at += size;
  }
}

async function readAll(source: AsyncIterable<Uint8Array>, boundary = BOUNDARY) {
  const reader = new MultipartReader(source, boundary);
  const parts: Part[] = [];
  for (let part = await reader.nextPart(); part !== undefined; part = await reader.nextPart()) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of part.chunks()) chunks.push(Buffer.from(chunk));
    const { name, fileName } = part;
    parts.push({
      name,
      ...(fileName === undefined ? {} : { fileName }),
      body: Buffer.concat(chunks),
    });
  }
  await reader.takeRest(1_024);
  return { parts, takenBytes: reader.takenBytes };
}

const AWKWARD: readonly Part[] = [
  { name: "key", body: Buffer.from("a/b") },
  { name: "empty", body: Buffer.alloc(0) },
  {
    name: "almost",
    body: Buffer.from(`\r\n--${BOUNDARY.slice(0, -1)}\r\n\r\n--${BOUNDARY}x`.slice(0, -3)),
  },
  { name: "lines", body: Buffer.from("\r\n\r\n--\r\n") },
  {
    name: "file",
    fileName: "C:\\path\\x.bin",
    body: Buffer.from([0, 13, 10, 45, 45, 255, 13, 10, 45]),
  },
];

test("parts are the same however the bytes are cut", async () => {
  const form = formOf(AWKWARD);
  for (let size = 1; size <= form.length; size += size < 120 ? 1 : 37) {
    const { parts, takenBytes } = await readAll(cut(form, () => size));
    expect(parts, `cut into ${size}`).toEqual(AWKWARD);
    expect(takenBytes).toBe(form.length);
  }
});

test("random parts, cut at random", async () => {
  const seed = Number(process.env["KINTSUGI_SEED"] ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  // Bytes of which boundaries are made, so that there are near misses.
  const bytes = Buffer.from(`\r\n--${BOUNDARY}`);
  for (let round = 0; round < 200; round += 1) {
    const parts = Array.from({ length: 1 + random.below(4) }, (_, index) => {
      const body = Buffer.from(
        Array.from({ length: random.below(300) }, () => bytes[random.below(bytes.length)] ?? 0),
      );
      return { name: `n${index}`, body: withoutBoundary(body) };
    });
    const { parts: found } = await readAll(cut(formOf(parts), () => 1 + random.below(50)));
    expect(found, `round ${round}`).toEqual(parts);
  }
});

function withoutBoundary(body: Buffer): Buffer {
  // Also where the line end before the part makes it one.
  return `\r\n${body.toString("latin1")}`.includes(`\r\n--${BOUNDARY}`) ? Buffer.alloc(0) : body;
}

test("white space after a boundary and text after the end are passed over", async () => {
  const text = `--${BOUNDARY} \t\r\nContent-Disposition: form-data; name=a\r\nX: y\r\n\r\nv\r\n--${BOUNDARY}--bye`;
  const { parts } = await readAll(cut(Buffer.from(text), () => 7));
  expect(parts).toEqual([{ name: "a", body: Buffer.from("v") }]);
});

const headOf = (name: string) => `Content-Disposition: form-data; name=${name}\r\n`;

test("a part whose boundary follows its headers at once is empty", async () => {
  const text = `--${BOUNDARY}\r\n${headOf("a")}\r\n--${BOUNDARY}\r\n${headOf("b")}\r\nv\r\n--${BOUNDARY}--`;
  for (const size of [1, 5, 1_000]) {
    const { parts } = await readAll(cut(Buffer.from(text), () => size));
    expect(parts).toEqual([
      { name: "a", body: Buffer.alloc(0) },
      { name: "b", body: Buffer.from("v") },
    ]);
  }
});

test.each([
  ["nothing at all", ""],
  ["no boundary", "key=value"],
  ["another boundary", formOf(AWKWARD).toString("latin1").replaceAll(BOUNDARY, "----other")],
  ["a preamble", `hello\r\n${formOf(AWKWARD).toString("latin1")}`],
  ["no end", formOf(AWKWARD, "").toString("latin1")],
  ["half an end", formOf(AWKWARD, `--${BOUNDARY}-`).toString("latin1")],
  ["bytes right after a boundary", `--${BOUNDARY}x\r\n\r\n\r\n--${BOUNDARY}--`],
  ["a part without headers", `--${BOUNDARY}\r\n\r\nv\r\n--${BOUNDARY}--`],
  [
    "a part without a name",
    `--${BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nv\r\n--${BOUNDARY}--`,
  ],
  [
    "an attachment",
    `--${BOUNDARY}\r\nContent-Disposition: attachment; name="a"\r\n\r\nv\r\n--${BOUNDARY}--`,
  ],
  [
    "two names",
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="a"; name="b"\r\n\r\nv\r\n--${BOUNDARY}--`,
  ],
  [
    "a part that ends amid its headers",
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name=a\r\n--${BOUNDARY}\r\n\r\nv\r\n--${BOUNDARY}--`,
  ],
  ["headers without end", `--${BOUNDARY}\r\n${"X: y\r\n".repeat(3_000)}`],
])("%s is no form", async (_what, text) => {
  const reading = readAll(cut(Buffer.from(text, "latin1"), () => 100));
  await expect(reading).rejects.toMatchObject({ code: "MalformedPOSTRequest" });
});

test.each([
  ['name="a"; filename="x.txt"', "a", "x.txt"],
  ["name=a; filename=x.txt", "a", "x.txt"],
  ['filename="a;b=\\"c\\".txt"; name="f"', "f", 'a;b="c".txt'],
  ['name="f"; filename="C:\\dir\\x y.txt"', "f", "C:\\dir\\x y.txt"],
  ['name="f"; filename="say %22hi%22"', "f", 'say "hi"'],
  ["name=\"f\"; filename*=UTF-8''%e2%82%ac.txt", "f", "€.txt"],
  ['NAME="f";   FileName=""', "f", ""],
])("%s", async (params, name, fileName) => {
  const text = `--${BOUNDARY}\r\ncontent-disposition: Form-Data; ${params}\r\n\r\nv\r\n--${BOUNDARY}--`;
  const { parts } = await readAll(cut(Buffer.from(text), () => 9));
  expect(parts).toEqual([{ name, fileName, body: Buffer.from("v") }]);
});
