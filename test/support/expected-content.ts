// What a key may hold after a server has died: the last that was acknowledged, or what was under way. For tests that kill
// a server at named points.

import { expect } from "vitest";
import type { DyingServer } from "./dying-server.ts";

/** A set of its own; a place in a pack; inline. */
export const SIZES = { large: 3_000_000, packed: 100_000, inline: 1_000 };

/** What a key may hold: the last that was acknowledged, and what was under way at the death. */
export class Expected {
  readonly #contents: Buffer[] = [];

  begin(content: Uint8Array): void {
    this.#contents.push(Buffer.from(content));
  }

  settle(): void {
    this.#contents.splice(0, this.#contents.length - 1);
  }

  /** Takes what was found for what is there from now on. */
  found(content: Buffer | undefined): "new" | "old" {
    expect(content, "it is there").toBeDefined();
    const index = this.#contents.findIndex((each) => content !== undefined && each.equals(content));
    expect(index, "it is one of those that may be there").toBeGreaterThanOrEqual(0);
    const isNewest = index === this.#contents.length - 1;
    const [kept] = this.#contents.splice(index, 1);
    this.#contents.splice(0, this.#contents.length, ...(kept === undefined ? [] : [kept]));
    return isNewest ? "new" : "old";
  }
}

export async function putExpected(
  server: DyingServer,
  path: string,
  expected: Expected,
  body: Uint8Array,
) {
  expected.begin(body);
  const answer = await server.send({ method: "PUT", path, body: Buffer.from(body) });
  if (answer === undefined) return;
  expect(answer.status).toBe(200);
  expected.settle();
}
