// The pieces of a streamed body, as they come: by events, for a promise and an iterator's turn for each 64 KiB cost a node more
// than what it does with them.

import type { IncomingMessage } from "node:http";

/**
 * Hands over each piece, and waits with the next where it gets a promise. Resolves at the body's end; whatever happens, the rest
 * of the message is left for the caller to read or to end.
 * @throws the network's error for a body that is broken off; what `take` throws.
 */
export function eachPiece(
  message: IncomingMessage,
  take: (piece: Buffer) => Promise<void> | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const stop = (): boolean => {
      if (isOver) return false;
      isOver = true;
      message.pause();
      message.off("data", onData).off("end", onEnd).off("error", onError).off("close", onClose);
      // An error that comes later is nobody's.
      message.on("error", () => undefined);
      return true;
    };
    const onError = (error: unknown): void => {
      if (stop()) reject(error);
    };
    const onEnd = (): void => {
      if (stop()) resolve();
    };
    const goOn = (): void => {
      if (!isOver) message.resume();
    };
    const onClose = (): void => onError(brokenOff(message));
    const onData = (piece: Buffer): void => {
      try {
        const waiting = take(piece);
        if (waiting === undefined) return;
        message.pause();
        waiting.then(goOn, onError);
      } catch (error) {
        onError(error);
      }
    };
    if (message.destroyed) return onClose();
    message.on("data", onData).once("end", onEnd).once("error", onError).once("close", onClose);
  });
}

function brokenOff(message: IncomingMessage): Error {
  return message.errored ?? new Error("the body was broken off");
}
