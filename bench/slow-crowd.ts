// Many clients that hardly move, in a process of their own: readers that take a few bytes of a large object each second,
// and writers that send a few. Takes a job as a message, says when all readers have their first bytes and all writers are
// connected, and how they fare when asked.

import { connect, type Socket } from "node:net";
import { Presigner, type Target } from "./presign.ts";
import { wireHead } from "./raw-client.ts";

export interface CrowdJob {
  readonly target: Target;
  readonly readers: number;
  readonly writers: number;
  /** What the readers read, and under what the writers write. */
  readonly readPath: string;
  readonly writePath: string;
  readonly objectBytes: number;
}

export interface CrowdState {
  readonly open: number;
  /** Answered with 503, as overload may be. */
  readonly refused: number;
  /** Ended in any other way. */
  readonly broken: number;
}

const SIP_BYTES = 4 * 1024;
const TICKS_PER_SECOND = 20;
/** So many connect at once. */
const CONNECTING_MAX = 50;

const sip = Buffer.alloc(SIP_BYTES, "slow");
const slow: { readonly socket: Socket; readonly move: () => void }[] = [];
let refused = 0;
let broken = 0;

process.on("message", (message: CrowdJob | "state") => {
  if (message === "state") process.send?.(state());
  else void begin(message).then(() => process.send?.(state()));
});

function state(): CrowdState {
  const open = slow.filter(({ socket }) => !socket.destroyed).length;
  return { open, refused, broken };
}

async function begin(job: CrowdJob): Promise<void> {
  const presigner = new Presigner(job.target);
  const kinds = [
    ...Array.from({ length: job.readers }, () => () => reader(job, presigner)),
    ...Array.from({ length: job.writers }, (_, index) => () => writer(job, presigner, index)),
  ];
  for (let at = 0; at < kinds.length; at += CONNECTING_MAX) {
    await Promise.all(kinds.slice(at, at + CONNECTING_MAX).map((start) => start()));
  }
  let tick = 0;
  setInterval(() => {
    tick += 1;
    for (let at = tick % TICKS_PER_SECOND; at < slow.length; at += TICKS_PER_SECOND) {
      slow[at]?.move();
    }
  }, 1_000 / TICKS_PER_SECOND);
}

const sipOnce = (socket: Socket) => socket.resume();

/** Reads one sip at a time: the callback's false stops reading until the socket is resumed. */
function reader({ target, readPath }: CrowdJob, presigner: Presigner): Promise<void> {
  const signed = presigner.sign({ method: "GET", path: readPath });
  const head = wireHead(presigner.host, { method: "GET", target: signed });
  return new Promise((answered) => {
    let isFirst = true;
    const take = (bytes: Buffer) => {
      if (isFirst) judge(bytes);
      isFirst = false;
      answered();
      return false;
    };
    // A connection that breaks before its answer is not waited for.
    void enter(target, { head, take, move: sipOnce, ended: answered });
  });
}

function writer(
  { target, writePath, objectBytes }: CrowdJob,
  presigner: Presigner,
  index: number,
): Promise<void> {
  const signed = presigner.sign({ method: "PUT", path: `${writePath}/${index}` });
  const request = { method: "PUT", target: signed, bodyBytes: objectBytes };
  const head = wireHead(presigner.host, request);
  let left = objectBytes;
  const move = (socket: Socket) => {
    if (left > 0 && !socket.writableNeedDrain)
      socket.write(sip.subarray(0, Math.min(left, SIP_BYTES)));
    left -= SIP_BYTES;
  };
  return enter(target, { head, take: judgeAll, move });
}

function judge(answer: Buffer): void {
  const status = answer.toString("latin1", 9, 12);
  if (status === "503") refused += 1;
  else if (status !== "200") broken += 1;
}

function judgeAll(answer: Buffer): boolean {
  judge(answer);
  return true;
}

interface Slow {
  readonly head: Buffer;
  readonly take: (bytes: Buffer) => boolean;
  readonly move: (socket: Socket) => void;
  readonly ended?: () => void;
}

/** Resolves once it is connected, or is not. */
function enter({ host, port }: Target, { head, take, move, ended }: Slow): Promise<void> {
  return new Promise((resolve) => {
    const buffer = Buffer.alloc(SIP_BYTES);
    const onread = { buffer, callback: (bytes: number) => take(buffer.subarray(0, bytes)) };
    const socket = connect({ host, port, onread }, () => {
      socket.write(head);
      resolve();
    });
    slow.push({ socket, move: () => socket.destroyed || move(socket) });
    socket.on("error", () => {
      broken += 1;
    });
    socket.on("close", () => {
      ended?.();
      resolve();
    });
  });
}
