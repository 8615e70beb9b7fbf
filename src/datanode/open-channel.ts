// Opens a channel: connects to a node, asks it in HTTP to speak otherwise from here on (to read, or to write, for whoever is at the
// other end), and checks that it is the node that agrees.

import { awakeTimeout } from "../util/awake-timeout.ts";
import { DirectSocket } from "./direct-socket.ts";
import { ConnectionError, type ExchangeAnswer } from "./exchange.ts";
import { PROOF_HEADER, PROTOCOL_HEADER, PROTOCOL_VERSION, SALT_HEADER } from "./protocol.ts";

const CONNECT_TIMEOUT_MS = 2_000;
/** Largest head of an answer, and its body where it is a refusal, in bytes. */
const ANSWER_BYTES_MAX = 64 * 1024;
const PIECE_BYTES = 1_024;
const STATUS_LINE = /^HTTP\/1\.1 (\d{3})(?: |$)/;
const HEADER_LINE = /^([^:\s]+):[ \t]*(.*?)[ \t]*$/;

export interface ChannelUpgrade<Channel> {
  readonly url: string;
  /** What is upgraded, and to what. */
  readonly path: string;
  readonly protocol: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly deadlineMs: number;
  /** The channel that the node agrees to with that salt, where it proves that it is the node; throws for any other answer. */
  readonly accept: (socket: DirectSocket, answer: ExchangeAnswer, salt: string) => Channel;
}

/** @throws ConnectionError; what `accept` throws. */
export async function openChannel<Channel extends { fail(error: ConnectionError): void }>(
  upgrade: ChannelUpgrade<Channel>,
): Promise<Channel> {
  const url = new URL(upgrade.url);
  let channel: Channel | undefined;
  let reader: AnswerReader | undefined;
  const onClose = (error: ConnectionError): void => {
    reader?.fail(error);
    channel?.fail(error);
  };
  const socket = await DirectSocket.open({ url, connectTimeoutMs: CONNECT_TIMEOUT_MS, onClose });
  reader = new AnswerReader(socket);
  const timeout = awakeTimeout(upgrade.deadlineMs, () => reader?.fail(lateError(upgrade)));
  try {
    // Between its opening and now.
    if (socket.isClosed) throw new ConnectionError(`${upgrade.url}: the connection was closed`);
    socket.write(renderRequest(url, upgrade));
    const { answer, salt } = await reader.answer;
    channel = upgrade.accept(socket, answer, salt);
    return channel;
  } catch (error) {
    socket.close();
    throw error;
  } finally {
    timeout.cancel();
  }
}

/** What an opening consists of, but for what comes of it. */
type Request = Omit<ChannelUpgrade<unknown>, "accept">;

function lateError({ url, deadlineMs }: Request): ConnectionError {
  return new ConnectionError(`${url}: no answer within ${deadlineMs} ms`);
}

function renderRequest({ host }: URL, { path, protocol, headers }: Request): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const upgrade = `connection: Upgrade\r\nupgrade: ${protocol}\r\n`;
  return `GET ${path} HTTP/1.1\r\nhost: ${host}\r\n${upgrade}${lines.join("")}\r\n`;
}

interface UpgradeAnswer {
  readonly answer: ExchangeAnswer;
  readonly salt: string;
}

/** Reads one answer of HTTP: a head, and of a refusal the body. After an agreement the node says nothing unasked. */
class AnswerReader {
  readonly answer: Promise<UpgradeAnswer>;
  readonly #socket: DirectSocket;
  readonly #piece = Buffer.alloc(PIECE_BYTES);
  #received: Buffer = Buffer.alloc(0);
  #resolve: (answer: UpgradeAnswer) => void = () => undefined;
  #reject: (error: ConnectionError) => void = () => undefined;

  constructor(socket: DirectSocket) {
    this.#socket = socket;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#readOn();
  }

  fail(error: ConnectionError): void {
    this.#reject(error);
  }

  #readOn(): void {
    this.#socket.want(this.#piece, (count) => {
      this.#received = Buffer.concat([this.#received, this.#piece.subarray(0, count)]);
      try {
        const answer = parseUpgradeAnswer(this.#received);
        if (answer === undefined) this.#readOn();
        else this.#resolve(answer);
      } catch (error) {
        const words = error instanceof Error ? error.message : String(error);
        this.fail(new ConnectionError(`a node opens no channel: ${words}`, error));
      }
    });
  }
}

/** Undefined where there is more to come. @throws ConnectionError */
function parseUpgradeAnswer(received: Buffer): UpgradeAnswer | undefined {
  if (received.length > ANSWER_BYTES_MAX) throw new ConnectionError("its answer is too large");
  const headBytes = received.indexOf("\r\n\r\n") + 4;
  if (headBytes < 4) return undefined;
  const [first = "", ...lines] = received.toString("latin1", 0, headBytes - 4).split("\r\n");
  const status = Number(STATUS_LINE.exec(first)?.[1]);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name = "", value = ""] = HEADER_LINE.exec(line) ?? [];
    headers.set(name.toLowerCase(), value);
  }
  if (headers.get(PROTOCOL_HEADER) !== PROTOCOL_VERSION) {
    throw new ConnectionError(`what answers there does not speak ${PROTOCOL_VERSION}`);
  }
  const bodyBytes = status === 101 ? 0 : Number(headers.get("content-length"));
  if (!(headBytes + bodyBytes <= ANSWER_BYTES_MAX)) {
    throw new ConnectionError("its refusal has no length, or is too large");
  }
  if (received.length < headBytes + bodyBytes) return undefined;
  const body = received.subarray(headBytes);
  if (body.length > bodyBytes) throw new ConnectionError("it sends what nobody asked for");
  const proof = headers.get(PROOF_HEADER) ?? "";
  return { answer: { status, proof, body }, salt: headers.get(SALT_HEADER) ?? "" };
}
