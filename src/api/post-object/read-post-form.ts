// A POST form up to its file: all fields that precede it, in memory because they are few; then the file, as a stream. What
// follows the file counts for nothing, but a second file makes the form ambiguous.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/HTTPPOSTForms.html

import { S3Error } from "../../core/s3-error.ts";
import { invalidArgument } from "../params.ts";
import { type MultipartPart, MultipartReader } from "./multipart-reader.ts";

export interface PostForm {
  /** By lower-case name, decoded from UTF-8. Those that are to be ignored are among them. */
  readonly fields: ReadonlyMap<string, string>;
  /** Without folders; empty where the browser sent none. */
  readonly fileName: string;
  /** The file. Ends after the form's last boundary has come. Read once. */
  readonly file: () => AsyncGenerator<Uint8Array, void, undefined>;
  /** Lets go of the body, read to its end or not. */
  readonly close: () => Promise<void>;
}

/** Everything that precedes the file, and so what follows it: 20 KB. */
const PRE_DATA_BYTES_MAX = 20 * 1024;
const IGNORED_PREFIX = "x-ignore-";
const FILE = "file";
const BOUNDARY =
  /^[ \t]*multipart\/form-data[ \t]*;(?:.*;)?[ \t]*boundary=(?:"([^"]{1,200})"|([^\s";,]{1,200}))[ \t]*(?:;.*)?$/i;

/** @throws S3Error PreconditionFailed (not a form), MalformedPOSTRequest, MaxPostPreDataLengthExceeded, InvalidArgument */
export async function readPostForm(
  source: AsyncIterable<Uint8Array>,
  contentType: string | undefined,
): Promise<PostForm> {
  const reader = new MultipartReader(source, findBoundary(contentType));
  const close = () => reader.close();
  try {
    const fields = new Map<string, string>();
    for (;;) {
      const part = await reader.nextPart();
      if (part === undefined) throw wrongFileCount(0);
      checkTaken(reader, PRE_DATA_BYTES_MAX);
      if (isFile(part)) {
        const fileName = baseName(part.fileName ?? "");
        return { fields, fileName, file: () => fileOf(reader, part), close };
      }
      addField(fields, part.name, await readText(reader, part));
    }
  } catch (error) {
    await close();
    throw error;
  }
}

function findBoundary(contentType = ""): string {
  if (!/^[ \t]*multipart\/form-data\b/i.test(contentType)) {
    throw new S3Error("PreconditionFailed", {
      detail: { Condition: "Bucket POST must be of the enclosure-type multipart/form-data" },
    });
  }
  const [, quoted, bare] = BOUNDARY.exec(contentType) ?? [];
  const boundary = quoted ?? bare;
  if (boundary === undefined) throw new S3Error("MalformedPOSTRequest");
  return boundary;
}

async function* fileOf(
  reader: MultipartReader,
  part: MultipartPart,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* part.chunks();
  const bytesMax = reader.takenBytes + PRE_DATA_BYTES_MAX;
  for (let next = await reader.nextPart(); next !== undefined; next = await reader.nextPart()) {
    if (isFile(next)) throw wrongFileCount(2);
    const chunks = next.chunks();
    while ((await chunks.next()).done !== true) checkTaken(reader, bytesMax);
    checkTaken(reader, bytesMax);
  }
  await reader.takeRest(PRE_DATA_BYTES_MAX);
}

async function readText(reader: MultipartReader, part: MultipartPart): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of part.chunks()) {
    checkTaken(reader, PRE_DATA_BYTES_MAX);
    chunks.push(chunk);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new S3Error("MalformedPOSTRequest", { cause });
  }
}

function checkTaken(reader: MultipartReader, bytesMax: number): void {
  if (reader.takenBytes > bytesMax) throw new S3Error("MaxPostPreDataLengthExceeded");
}

function addField(fields: Map<string, string>, name: string, value: string): void {
  const lower = name.toLowerCase();
  // Differs from AWS: a field that is there twice is refused. Of two values the policy could judge one, and the other
  // become the object's.
  if (fields.has(lower) && !lower.startsWith(IGNORED_PREFIX)) {
    throw invalidArgument(name, value, `The form has more than one field named '${name}'.`);
  }
  fields.set(lower, value);
}

function isFile(part: MultipartPart): boolean {
  return part.name.toLowerCase() === FILE;
}

/** Some browsers send the whole path on the user's machine. */
function baseName(fileName: string): string {
  return fileName.slice(Math.max(fileName.lastIndexOf("/"), fileName.lastIndexOf("\\")) + 1);
}

function wrongFileCount(count: number): S3Error {
  const message = "POST requires exactly one file upload per request.";
  return invalidArgument(FILE, String(count), message);
}
