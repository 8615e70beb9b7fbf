// Works of several kinds of requests: an upload in parts, and a mix as applications make it.

import { getWork, putWork } from "./object-works.ts";
import { listWork } from "./key-works.ts";
import { bodyOf, KIB, MIB } from "./sizes.ts";
import {
  fire,
  type Operation,
  prepare,
  type Scope,
  type ShotOf,
  type Source,
  type Work,
} from "./work.ts";

const PART_BYTES = 5 * MIB;
const PARTS = 3;
/** Keys that uploads overwrite. */
const UPLOADS = 64;

export const multipartWork: Work = {
  bytes: PARTS * PART_BYTES,
  writes: true,
  load: (scope) => {
    let next = 0;
    return async (client) => {
      const path = `/${scope.bucket}/multipart/${next++ % UPLOADS}`;
      const send = (request: Omit<ShotOf, "path">) =>
        fire(client, { ...prepare(scope, { ...request, path }), status: 200, keepBody: true });
      const created = await send({ method: "POST", query: { uploads: "" } });
      const uploadId = /<UploadId>([^<]+)</.exec(created.body.toString())?.[1] ?? "";
      const parts: string[] = [];
      for (let number = 1; number <= PARTS; number += 1) {
        const query = { partNumber: String(number), uploadId };
        const { headers } = await send({ method: "PUT", query, body: bodyOf(PART_BYTES).body });
        const etag = /\r\netag: *"?([0-9a-f]+)/i.exec(headers)?.[1] ?? "";
        parts.push(`<Part><PartNumber>${number}</PartNumber><ETag>"${etag}"</ETag></Part>`);
      }
      const xml = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
      await send({ method: "POST", query: { uploadId }, body: Buffer.from(xml) });
      return true;
    };
  },
};

/** 70% GET, 20% PUT, 5% LIST, 5% DELETE of 4 KiB objects. */
export function mixedWork(): Work {
  const [put, get] = [putWork("4k", 4 * KIB), getWork("4k", 4 * KIB)];
  return {
    bytes: 0,
    writes: true,
    filling: "mixed",
    fill: (scope) => inTurn([get.fill?.(scope), listWork.fill?.(scope)]),
    load: (scope) => {
      // Listed keys lie in a bucket of their own in the other works; here the GETs' keys come before them.
      const [doPut, doGet] = [put.load(scope), get.load(scope)];
      const doList = listing(scope);
      let turn = 0;
      return (client) => {
        turn += 1;
        const dice = (turn * 37) % 20;
        if (dice < 14) return doGet(client);
        if (dice < 18) return doPut(client);
        return dice === 18 ? doList(client) : deletion(scope, turn)(client);
      };
    },
  };
}

function inTurn(sources: readonly (Source | undefined)[]): Source {
  const left = sources.filter((source) => source !== undefined);
  return () => {
    for (let source = left[0]; source; source = left[0]) {
      const shot = source();
      if (shot) return shot;
      left.shift();
    }
    return undefined;
  };
}

function listing(scope: Scope): Operation {
  const query = { "list-type": "2", prefix: "list-" };
  const request = prepare(scope, { method: "GET", path: `/${scope.bucket}`, query });
  return async (client) => {
    await fire(client, { ...request, status: 200 });
    return true;
  };
}

function deletion(scope: Scope, turn: number): Operation {
  const path = `/${scope.bucket}/put-4k/${scope.round}/${Math.floor(turn / 6)}`;
  return async (client) => {
    await fire(client, { ...prepare(scope, { method: "DELETE", path }), status: 204 });
    return true;
  };
}
