// A request as it came over the wire, before anything is decoded: signatures are computed over exactly these
// strings, and the key is decoded from the same path once, so that signature, policy and storage agree.

export interface WireRequest {
  readonly method: string;
  /** The path of the request-target, as sent: percent-encoded, never normalised; begins with "/". */
  readonly rawPath: string;
  /** What follows the first "?", as sent; empty without one. */
  readonly rawQuery: string;
  /** The query decoded ("+" is a space), in order, duplicates kept. */
  readonly query: readonly QueryParam[];
  /** By lower-case name; the values of a repeated header are joined with ",". Latin-1 as Node gives it. */
  readonly headers: ReadonlyMap<string, string>;
  /** Names (lower-case) and values alternating, in order, as sent. */
  readonly rawHeaders: readonly string[];
}

export interface QueryParam {
  readonly name: string;
  readonly value: string;
}

/** The first value of a query parameter; undefined when it is absent. Names are case-sensitive. */
export function findParam(request: Pick<WireRequest, "query">, name: string): string | undefined {
  return request.query.find((param) => param.name === name)?.value;
}
