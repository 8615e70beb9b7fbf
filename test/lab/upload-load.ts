// The load on multipart uploads: one caller at a time works on an upload, several on different ones.

import { call, keyPath } from "./calls.ts";
import { bytesOfPiece, md5 } from "./contents.ts";
import { pickPresent, settleWrite, type Step } from "./object-load.ts";
import { beginWrite } from "./recorded-calls.ts";
import { Register, tick } from "./register.ts";
import {
  multipartEtag,
  nextOperation,
  type LabKey,
  type LabUpload,
  type ObjectValue,
  type PartValue,
} from "./world.ts";

const PART_BYTES_MIN = 5 * 1024 * 1024;
const SMALL_PARTS = [1, 9_000, 16 * 1024 + 1, 70_000, 256 * 1024 + 1];

export async function createUpload({ context }: Step, key: LabKey): Promise<void> {
  const op = nextOperation();
  const outcome = await call(context, {
    method: "POST",
    path: keyPath(context.world, key.name),
    query: "uploads=",
    headers: { "x-amz-meta-op": String(op) },
  });
  if (outcome.kind === "unknown") context.world.unknownUploads += 1;
  if (outcome.kind !== "done") return;
  const uploadId = /<UploadId>([^<]+)</.exec(outcome.answer.body.toString())?.[1] ?? "";
  context.journal.count("create upload");
  context.world.uploads.push({
    uploadId,
    key,
    op,
    parts: new Map(),
    phase: "open",
    isAnswered: true,
    ending: undefined,
    listed: [],
    isBusy: false,
  });
}

export function uploadQuery(upload: LabUpload): string {
  return `uploadId=${encodeURIComponent(upload.uploadId)}`;
}

/** Part 1 may be large; part 2 is the last one and may be small; a number may be given again. */
export async function putPart({ context, random }: Step, upload: LabUpload): Promise<void> {
  const isLarge = random.below(12) === 0 && context.world.sizeMax >= PART_BYTES_MIN;
  const number = isLarge ? 1 : 2;
  const op = nextOperation();
  const sizeBytes = isLarge ? PART_BYTES_MIN : (SMALL_PARTS[random.below(SMALL_PARTS.length)] ?? 1);
  const piece = { seed: op, sizeBytes };
  const bytes = bytesOfPiece(piece);
  const value: PartValue = { piece, etag: md5(bytes) };
  const register = upload.parts.get(number) ?? new Register<PartValue | undefined>(undefined);
  upload.parts.set(number, register);
  const write = register.begin(op, value);
  const outcome = await call(context, {
    method: "PUT",
    path: keyPath(context.world, upload.key.name),
    query: `partNumber=${number}&${uploadQuery(upload)}`,
    body: bytes,
  });
  if (outcome.kind === "done") {
    register.acknowledge(write);
    context.journal.count("put part");
  } else if (outcome.kind === "refused") {
    context.journal.violation(`part refused: ${outcome.code} ${upload.uploadId}`);
  }
}

/** A part from an object that lies there. */
export async function copyPart(step: Step, upload: LabUpload, from: LabKey): Promise<void> {
  const { context } = step;
  const source = pickPresent(step, from);
  const [piece, ...more] = source?.pieces ?? [];
  if (source === undefined || piece === undefined || more.length > 0) return;
  const register = upload.parts.get(2) ?? new Register<PartValue | undefined>(undefined);
  upload.parts.set(2, register);
  const write = register.begin(nextOperation(), { piece, etag: md5(bytesOfPiece(piece)) });
  const outcome = await call(context, {
    method: "PUT",
    path: keyPath(context.world, upload.key.name),
    query: `partNumber=2&${uploadQuery(upload)}`,
    headers: {
      "x-amz-copy-source": keyPath(context.world, from.name),
      "x-amz-copy-source-if-match": `"${source.etag}"`,
    },
  });
  if (outcome.kind === "done") {
    register.acknowledge(write);
    context.journal.count("copy part");
  } else if (outcome.kind === "refused") register.refuse(write);
}

/** Of the parts that are surely there. */
export async function complete(step: Step, upload: LabUpload): Promise<void> {
  const now = tick();
  const listed = [...upload.parts].flatMap(([number, register]) => {
    const [only, ...others] = register.candidates(now, now);
    return only?.value === undefined || others.length > 0 ? [] : [{ number, value: only.value }];
  });
  if (listed.length === 0) return;
  const inOrder = listed.toSorted((a, b) => a.number - b.number);
  const value: ObjectValue = {
    op: upload.op,
    pieces: inOrder.map((part) => part.value.piece),
    sizeBytes: inOrder.reduce((sum, part) => sum + part.value.piece.sizeBytes, 0),
    etag: multipartEtag(inOrder.map((part) => part.value)),
    tags: new Register(""),
  };
  const write = upload.key.register.begin(upload.op, value);
  Object.assign(upload, { phase: "complete", isAnswered: false, ending: write, listed: inOrder });
  const recorded = beginWrite(step.context, upload.key, write);
  const outcome = await sendComplete(step, upload);
  if (outcome.kind === "done") {
    upload.isAnswered = true;
    // The status is sent before the work is done: what counts is the document.
    if (!outcome.answer.body.includes(value.etag)) {
      step.context.journal.violation(`a completion answered ${outcome.answer.body.toString()}`);
    }
  } else if (outcome.kind === "refused") upload.phase = "open";
  settleWrite(step, { key: upload.key, write, recorded, outcome, kind: "complete upload" });
}

export function sendComplete({ context }: Step, upload: LabUpload) {
  const rows = upload.listed
    .map(({ number, value }) => {
      return `<Part><PartNumber>${number}</PartNumber><ETag>"${value.etag}"</ETag></Part>`;
    })
    .join("");
  return call(context, {
    method: "POST",
    path: keyPath(context.world, upload.key.name),
    query: uploadQuery(upload),
    body: `<CompleteMultipartUpload>${rows}</CompleteMultipartUpload>`,
  });
}

export async function abort({ context }: Step, upload: LabUpload): Promise<void> {
  Object.assign(upload, { phase: "abort", isAnswered: false });
  const outcome = await call(context, {
    method: "DELETE",
    path: keyPath(context.world, upload.key.name),
    query: uploadQuery(upload),
  });
  if (outcome.kind === "done") {
    upload.isAnswered = true;
    context.journal.count("abort upload");
  } else if (outcome.kind === "refused") {
    context.journal.violation(`abort refused: ${outcome.code} ${upload.uploadId}`);
  }
}
