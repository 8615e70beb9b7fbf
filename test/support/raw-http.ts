// HTTP by hand over a bare socket: sends exactly the bytes that a test gives, which no client library would.

import { connect, type Socket } from "node:net";

export interface RawAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** Whether the server ended the connection after the answer (within the time given). */
  readonly closed: boolean;
  /** Anything that came after the first answer: a second response would stand here. */
  readonly rest: string;
}

export interface RawOptions {
  /** How long to wait for an answer. */
  readonly timeoutMs?: number;
  /** Wait for the connection's end too, so that `closed` and `rest` are known. */
  readonly untilClosed?: boolean;
  /** The answer to a HEAD has no body, whatever its length says. */
  readonly isHead?: boolean;
}

const ANSWER_MS_MAX = 10_000;
const CLOSE_MS_MAX = 3_000;

/** Opens a connection, lets `talk` write to it, and reads the answer. Interim 1xx answers are passed over. */
export function exchange(
  port: number,
  talk: (socket: Socket) => void,
  { timeoutMs = ANSWER_MS_MAX, untilClosed = false, isHead = false }: RawOptions = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port });
    let received = Buffer.alloc(0);
    let closed = false;
    let timer = setTimeout(() => finish(new Error("no answer in time")), timeoutMs);
    const finish = (error?: Error) => {
      clearTimeout(timer);
      socket.destroy();
      const answer = parseAnswer(received, isHead, true);
      if (answer) resolve({ ...answer, closed });
      else reject(error ?? new Error("the connection ended without an answer"));
    };
    socket.on("connect", () => talk(socket));
    socket.on("error", () => undefined); // A reset after an early answer is not news; `close` follows.
    socket.on("close", () => {
      closed = true;
      finish();
    });
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (!parseAnswer(received, isHead, false)) return;
      if (!untilClosed) {
        finish();
        return;
      }
      clearTimeout(timer);
      timer = setTimeout(() => finish(), CLOSE_MS_MAX);
    });
  });
}

export function sendRaw(
  port: number,
  bytes: Buffer | string,
  options?: RawOptions,
): Promise<RawAnswer> {
  return exchange(port, (socket) => socket.write(bytes), options);
}

function parseAnswer(
  received: Buffer,
  isHead: boolean,
  atEnd: boolean,
): Omit<RawAnswer, "closed"> | undefined {
  const text = received.toString("latin1");
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [statusLine = "", ...lines] = text.slice(0, headEnd).split("\r\n");
  const status = Number(statusLine.split(" ")[1]);
  const after = received.subarray(Buffer.byteLength(text.slice(0, headEnd + 4), "latin1"));
  if (status >= 100 && status < 200) return parseAnswer(after, isHead, atEnd);
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const bodyless = isHead || status === 204 || status === 304;
  const length = bodyless ? 0 : Number(headers.get("content-length") ?? Number.NaN);
  if (Number.isNaN(length)) {
    // No length: the body ends with the connection or with the last chunk.
    if (!atEnd && !text.endsWith("0\r\n\r\n")) return undefined;
    return { status, headers, body: after.toString("utf8"), rest: "" };
  }
  if (after.length < length && !atEnd) return undefined;
  const body = after.subarray(0, length).toString("utf8");
  return { status, headers, body, rest: after.subarray(length).toString("latin1") };
}

/** The `<Code>` of an error answer; empty without one. */
export function errorCode(answer: Pick<RawAnswer, "body">): string {
  return /<Code>([^<]*)<\/Code>/.exec(answer.body)?.[1] ?? "";
}
