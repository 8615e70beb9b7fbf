// What a kind of work is: what must lie on the server before it, and one operation of it after the other, prepared
// before the clock starts.

import type { Presigner } from "../presign.ts";
import { type RawClient, type RawResponse, type WireRequest, wireHead } from "../raw-client.ts";

export interface Scope {
  readonly presigner: Presigner;
  readonly bucket: string;
  /** Sets the keys of a round apart from those of others. */
  readonly round: number;
  readonly seconds: number;
  /** Distinct small objects that are read; keys that are listed. */
  readonly keys: number;
}

export interface Shot extends WireRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Bytes of the answer's body, where that is known. */
  readonly answerBytes?: number;
  /** Looks at a body that was kept. @throws Error where it is not what it must be. */
  readonly verify?: (body: Buffer) => void;
}

/** The next request; nothing when there are no more. */
export type Source = () => Shot | undefined;

/** One operation on a connection; false when there are no more. */
export type Operation = (client: RawClient) => Promise<boolean>;

export interface Work {
  /** Bytes moved by one operation. */
  readonly bytes: number;
  /** True: a round writes objects. */
  readonly writes?: boolean;
  /** Works of the same name find what they need in the same bucket. Without one nothing is put there before. */
  readonly filling?: string;
  /** True: what is put before a round is used up in it. */
  readonly fillsEachRound?: boolean;
  readonly fill?: (scope: Scope) => Source;
  readonly load: (scope: Scope) => Operation;
  /** Reads back some of what a round wrote. */
  readonly check?: (scope: Scope, operations: number) => Source;
}

export interface ShotOf {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | undefined;
  readonly repeat?: number;
}

/** Signs, and writes the head down. */
export function prepare({ presigner }: Scope, request: ShotOf): Omit<Shot, "status"> {
  const { method, path, query, headers = {}, body, repeat = 1 } = request;
  const bodyBytes = (body?.length ?? 0) * repeat;
  const target = presigner.sign({ method, path, ...(query && { query }) });
  const head = wireHead(presigner.host, { method, target, headers, bodyBytes });
  return { method, path, head, body, repeat };
}

/** Sends a request and judges its answer by status, length, and, where it says so, content. */
export async function fire(client: RawClient, shot: Shot): Promise<RawResponse> {
  const response = await client.shoot(shot);
  if (response.status !== shot.status) {
    const text = response.body.toString("latin1", 0, 300);
    throw new Error(
      `${shot.method} ${shot.path}: ${response.status} instead of ${shot.status} ${text}`,
    );
  }
  if (shot.answerBytes !== undefined && response.bodyBytes !== shot.answerBytes) {
    throw new Error(`${shot.path}: ${response.bodyBytes} bytes instead of ${shot.answerBytes}`);
  }
  shot.verify?.(response.body);
  return response;
}

export function operationOf(source: Source): Operation {
  return async (client) => {
    const shot = source();
    if (shot === undefined) return false;
    await fire(client, shot);
    return true;
  };
}

/** So many requests, made when they are due. */
export function sourceOf(count: number, make: (index: number) => Shot): Source {
  let next = 0;
  return () => (next < count ? make(next++) : undefined);
}

/** More requests a second than any server here answers: what is prepared of small ones. */
const PREPARED_PER_SECOND = 12_000;

/** Requests that are prepared now, at most `most` of them; if they do not last, the rest are made when due. */
export function preparedSource(
  scope: Scope,
  most: number,
  make: (index: number) => Shot,
): () => Shot {
  const count = Math.min(most, Math.ceil(scope.seconds * PREPARED_PER_SECOND));
  const prepared = Array.from({ length: count }, (_, index) => make(index));
  let next = -1;
  return () => {
    next += 1;
    return prepared[next] ?? make(next);
  };
}
