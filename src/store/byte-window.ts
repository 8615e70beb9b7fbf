// Object bytes on their way to a client: a few buffers at a time, given back once they have been sent.

export interface ByteWindow {
  readonly chunks: readonly Uint8Array[];
  /** The buffers may be reused from here on. Called exactly once for every window. */
  release(): void;
}

/**
 * Windows in order. Ending early (`return`) frees whatever is read ahead. Rejects when fewer than k shards are good;
 * never ends short.
 */
export type ByteWindows = AsyncIterable<ByteWindow>;
