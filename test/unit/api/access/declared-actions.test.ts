// Every route declares the permission that it needs, one that S3 knows, and a server with one that does not never starts.

import { expect, test } from "vitest";
import { checkActions } from "../../../../src/api/access/enter-operation.ts";
import { OPERATIONS } from "../../../../src/api/operations/index.ts";
import { defineOperation } from "../../../../src/api/operation.ts";
import type { S3Action } from "../../../../src/api/operation.ts";
import { emptyResponse } from "../../../../src/api/response.ts";

const planted = (action: string | undefined) =>
  defineOperation({
    name: "PlantedOperation",
    route: { method: "GET", target: "bucket", query: ["planted"] },
    // What the compiler would refuse may still come from a cast or from plain JavaScript.
    action: action as S3Action,
    parse: () => undefined,
    handle: async () => emptyResponse(200),
  });

test.each([undefined, "", "s3:", "GetObject", "s3:*"])(
  "a route with the permission %s keeps the server from starting",
  (action) => {
    expect(() => checkActions([...OPERATIONS, planted(action)])).toThrow(/PlantedOperation/);
  },
);

test("every route declares one", () => {
  expect(() => checkActions(OPERATIONS)).not.toThrow();
  expect(() => checkActions([planted("s3:GetPlanted")])).not.toThrow();
});
