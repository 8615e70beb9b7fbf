// The operands of `kintsugi node`, where they are a question to a gateway. What a data node is started with are folders:
// one of these names is to be given as ./list.

import type { NodeRequest } from "../cli/node-command.ts";
import { UsageError } from "../config/usage-error.ts";

/** @throws UsageError */
export function readNodeRequest(
  verb: string,
  operands: readonly string[],
  requireZones: boolean,
): NodeRequest {
  const [first = "", second] = operands;
  const require = (isRight: boolean, words: string): void => {
    if (!isRight) throw new UsageError(`kintsugi node ${verb} takes ${words}`);
  };
  switch (verb) {
    case "add":
      require(operands.length > 0, "the URL of each new node");
      return { verb, urls: operands, requireZones };
    case "drain":
      require(operands.length === 1, "a NODE");
      return { verb, node: first, requireZones };
    case "remove":
      require(operands.length === 1, "a NODE");
      return { verb, node: first };
    case "replace":
      require(operands.length === 1 || operands.length === 2, "a NODE and the URL of the other");
      return { verb, node: first, requireZones, ...(second === undefined ? {} : { url: second }) };
    default:
      require(operands.length === 0, "no operand");
      return { verb: "list" };
  }
}
