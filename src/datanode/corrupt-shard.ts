// How the parsers of the shard format fail: always with ShardError "Corrupt", never with an error of the runtime.

import { FieldError } from "./json-fields.ts";
import { ShardError } from "./shard-store.ts";

export function corruptShard(message: string, cause?: unknown): ShardError {
  return new ShardError("Corrupt", message, cause === undefined ? undefined : { cause });
}

/** Runs a parser of JSON fields; `what` ("the header") begins the message when a field does not fit. */
export function parseOrCorrupt<Value>(what: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    if (error instanceof FieldError) throw corruptShard(`${what}: ${error.message}`, error);
    throw error;
  }
}
