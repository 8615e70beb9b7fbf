// What a gateway says while it waits for its data nodes.

import { expect, test } from "vitest";
import type { NodeClient } from "../../../src/datanode/client.ts";
import { GatewayNodes } from "../../../src/wiring/gateway-nodes.ts";

const nodeWith = (problem: string | undefined) =>
  ({
    url: "http://node:9100",
    problem,
    known: undefined,
    drives: [],
    onDrives: () => undefined,
    ready: () => Promise.resolve([]),
  }) as unknown as NodeClient;
const neverOpened = (): Promise<never> => Promise.reject(new Error("no list names another"));

test.each([
  ["nobody, where every node is there", undefined, "waiting for data nodes"],
  ["a node and why", "refused", "waiting for data nodes: http://node:9100 (refused)"],
])("it names %s", async (_whom, problem, words) => {
  const said: string[] = [];
  const nodes = new GatewayNodes([nodeWith(problem)], neverOpened, (text) => said.push(text));
  await nodes.waitUntil(() => said.length > 0);
  expect(said).toEqual([words]);
});
