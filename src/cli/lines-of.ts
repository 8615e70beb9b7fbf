// The lines of a stream of bytes. Node's own reader of lines does not hear of a stream's errors.

const LINE_BYTES_MAX = 1024 * 1024;
const NEWLINE = 0x0a;

/** Lines without their end; what follows the last line end is a line too. @throws as the stream, and for endless lines. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    let text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = text.indexOf(NEWLINE); end >= 0; end = text.indexOf(NEWLINE)) {
      yield text.toString("utf8", 0, end);
      text = text.subarray(end + 1);
    }
    if (text.length > LINE_BYTES_MAX) throw new Error("a line has no end");
    rest = Buffer.from(text);
  }
  if (rest.length > 0) yield rest.toString("utf8");
}
