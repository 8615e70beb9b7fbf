// The checker of multipart uploads: each is open with the parts that were acknowledged, or it has ended as it was asked to.

import { call, keyPath, type LabContext } from "./calls.ts";
import { tick } from "./register.ts";
import { sendComplete, uploadQuery } from "./upload-load.ts";
import { historyOf, type LabUpload } from "./world.ts";

export async function checkUploads(context: LabContext): Promise<void> {
  const { journal, world } = context;
  const listed = await listUploads(context);
  if (listed === undefined) return;
  for (const { uploadId, phase, key, op } of world.endedUploads) {
    if (!listed.has(uploadId)) continue;
    journal.violation(`upload ${uploadId} (op ${op}) is listed after ${phase}; ${historyOf(key)}`);
  }
  world.endedUploads = [];
  const known = new Set(world.uploads.map(({ uploadId }) => uploadId));
  const strange = [...listed].filter(([uploadId]) => !known.has(uploadId));
  if (strange.length > world.unknownUploads) {
    journal.violation(`${strange.length} uploads that nobody asked for`);
  }
  world.unknownUploads = 0;
  for (const [uploadId, key] of strange) {
    await call(context, {
      method: "DELETE",
      path: keyPath(world, key),
      query: `uploadId=${encodeURIComponent(uploadId)}`,
    });
  }
  const open: LabUpload[] = [];
  for (const upload of world.uploads) {
    if (await checkUpload(context, upload, listed.has(upload.uploadId))) open.push(upload);
  }
  world.uploads = open;
}

/** Whether it is still open. */
async function checkUpload(
  context: LabContext,
  upload: LabUpload,
  isListed: boolean,
): Promise<boolean> {
  const { journal } = context;
  upload.isBusy = false;
  const { ending, phase } = upload;
  if (isListed) {
    if (phase !== "open" && upload.isAnswered) {
      journal.violation(`upload ${upload.uploadId} is listed after ${phase}`);
    }
    // It did not take effect, and must not be seen.
    if (ending !== undefined) upload.key.register.refuse(ending);
    Object.assign(upload, { phase: "open", isAnswered: true, ending: undefined });
    await checkParts(context, upload);
    return true;
  }
  if (phase === "open") {
    journal.violation(`upload ${upload.uploadId} of ${upload.key.name} (op ${upload.op}) is gone`);
  }
  if (phase === "complete" && ending !== undefined && !upload.isAnswered) {
    upload.key.register.acknowledge(ending);
    await repeatComplete(context, upload);
  }
  return false;
}

/** A client that lost the answer asks again, and gets it while the object is still that one. */
async function repeatComplete(context: LabContext, upload: LabUpload): Promise<void> {
  const { journal, world } = context;
  const head = await call(context, { method: "HEAD", path: keyPath(world, upload.key.name) });
  const isCurrent =
    head.kind === "done" && Number(head.answer.headers["x-amz-meta-op"]) === upload.op;
  if (!isCurrent) return;
  const outcome = await sendComplete({ context, random: world.random }, upload);
  journal.note("completions asked again");
  if (outcome.kind === "done") return;
  const words = outcome.kind === "refused" ? outcome.code : "no answer";
  journal.violation(`a repeated completion got ${words}; ${historyOf(upload.key)}`);
}

async function checkParts(context: LabContext, upload: LabUpload): Promise<void> {
  const { journal, world } = context;
  const from = tick();
  const outcome = await call(context, {
    method: "GET",
    path: keyPath(world, upload.key.name),
    query: uploadQuery(upload),
  });
  if (outcome.kind !== "done") {
    journal.violation(`ListParts does not answer for ${upload.uploadId}`);
    return;
  }
  const to = tick();
  const rows = new Map<number, string>();
  for (const [, row = ""] of outcome.answer.body.toString().matchAll(/<Part>(.*?)<\/Part>/gs)) {
    const etag = /<ETag>(?:&quot;|"|&#34;)?([0-9a-f]+)/.exec(row)?.[1] ?? "";
    rows.set(Number(/<PartNumber>(\d+)/.exec(row)?.[1]), etag);
  }
  for (const [number, register] of upload.parts) {
    const etag = rows.get(number);
    rows.delete(number);
    const found = register.candidates(from, to).find((write) => write.value?.etag === etag);
    if (found !== undefined) {
      register.settle(found);
      if (found.value === undefined) upload.parts.delete(number);
      continue;
    }
    const history = register.describe((value) => value?.etag ?? "absent");
    journal.violation(`part ${number} of ${upload.uploadId} is ${etag ?? "absent"}; ${history}`);
  }
  if (rows.size > 0) journal.violation(`${upload.uploadId} has parts that nobody sent`);
}

/** Ids of all open uploads, with their keys. */
async function listUploads(context: LabContext): Promise<Map<string, string> | undefined> {
  const outcome = await call(context, {
    method: "GET",
    path: `/${context.world.bucket}`,
    query: "uploads=",
  });
  if (outcome.kind !== "done") {
    context.journal.violation("ListMultipartUploads does not answer");
    return undefined;
  }
  const rows = outcome.answer.body.toString().matchAll(/<Upload>(.*?)<\/Upload>/gs);
  return new Map(
    [...rows].map(([, row = ""]) => {
      const uploadId = /<UploadId>([^<]+)</.exec(row)?.[1] ?? "";
      return [uploadId, /<Key>([^<]+)</.exec(row)?.[1] ?? ""];
    }),
  );
}
