// What was opened is closed in reverse order, once, each piece even when another fails.

import { expect, test } from "vitest";
import { CloseStack } from "../../../src/wiring/close-stack.ts";

test("it closes in reverse order, and only once", async () => {
  const closed: string[] = [];
  const stack = new CloseStack();
  stack.add(() => void closed.push("opened first"));
  stack.add(async () => void closed.push("opened last"));
  await Promise.all([stack.close(), stack.close()]);
  expect(closed).toEqual(["opened last", "opened first"]);
});

test("a piece that fails does not keep the others open, and its error is told", async () => {
  const closed: string[] = [];
  const stack = new CloseStack();
  stack.add(() => void closed.push("first"));
  stack.add(() => Promise.reject(new Error("cannot close")));
  await expect(stack.close()).rejects.toThrow("cannot close");
  expect(closed).toEqual(["first"]);
});
