// Dates in headers are those of Date.toUTCString, also where the day before was another.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { renderHttpDate } from "../../../src/api/headers.ts";

test("all times up to the year 9999, in any order", () => {
  const end = Date.UTC(10_000, 0) - 1;
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: end })), (times) => {
      for (const time of times) {
        for (const near of [time, time + 1, Math.max(0, time - 86_399_999)]) {
          expect(renderHttpDate(near)).toBe(new Date(near).toUTCString());
        }
      }
    }),
  );
  expect(renderHttpDate(0)).toBe("Thu, 01 Jan 1970 00:00:00 GMT");
});
