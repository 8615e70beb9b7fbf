// Query parameters: what is absent, what is empty, and what is refused.

import { expect, test } from "vitest";
import { encodingTypeParam, findText, intParam, requiredParam } from "../../../src/api/params.ts";

const query = (name: string, value: string) => [{ name, value }];

test("the first of several values counts, and names are case-sensitive", () => {
  const params = [...query("prefix", "a"), ...query("prefix", "b")];
  expect(findText(params, "prefix")).toBe("a");
  expect(findText(params, "Prefix")).toBeUndefined();
});

test.each([
  ["5", 5],
  ["+5", 5],
  ["0", 0],
  ["", 7],
])("max-keys=%s is taken", (text, value) => {
  expect(intParam(query("max-keys", text), "max-keys", { min: 0, fallback: 7 })).toBe(value);
});

test.each(["-1", "blah", "1e3", "0x10", " 1", "1.0", "2147483648", "99999999999999999999"])(
  "max-keys=%s is InvalidArgument that names the parameter",
  (text) => {
    const read = () => intParam(query("max-keys", text), "max-keys", { min: 0, fallback: 7 });
    expect(read).toThrow(
      expect.objectContaining({
        code: "InvalidArgument",
        detail: { ArgumentName: "max-keys", ArgumentValue: text },
      }),
    );
  },
);

test("a value beyond the largest is refused, not cut", () => {
  const range = { min: 1, max: 10_000, fallback: 1 };
  expect(() => intParam(query("partNumber", "10001"), "partNumber", range)).toThrow(
    "between 1 and 10000",
  );
});

test("a required parameter must be there and must say something", () => {
  expect(requiredParam(query("uploadId", "x"), "uploadId")).toBe("x");
  expect(() => requiredParam(query("uploadId", ""), "uploadId")).toThrow("required");
  expect(() => requiredParam([], "uploadId")).toThrow("required");
});

test("encoding-type is url or nothing", () => {
  expect(encodingTypeParam([])).toBeUndefined();
  expect(encodingTypeParam(query("encoding-type", ""))).toBeUndefined();
  expect(encodingTypeParam(query("encoding-type", "url"))).toBe("url");
  expect(() => encodingTypeParam(query("encoding-type", "base64"))).toThrow("Encoding");
});
