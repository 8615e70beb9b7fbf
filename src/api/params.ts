// Query parameters, from text to what an operation takes. Absent and present-but-empty are told apart; what cannot be
// read is refused with InvalidArgument that names the parameter, as S3 does.

import { S3Error } from "../core/s3-error.ts";
import type { QueryParam } from "../core/wire-request.ts";

type Query = readonly QueryParam[];

export interface IntRange {
  readonly min: number;
  /** The largest value taken; by default the largest 32-bit integer, which is where S3 stops. */
  readonly max?: number;
  /** What an absent or empty parameter means. */
  readonly fallback: number;
}

const INT_MAX = 2_147_483_647;
const DIGITS = /^[+-]?\d{1,19}$/;

/** The first value of a parameter; undefined when it is absent. */
export function findText(query: Query, name: string): string | undefined {
  return query.find((param) => param.name === name)?.value;
}

/** @throws S3Error InvalidArgument when the parameter is absent or empty. */
export function requiredParam(query: Query, name: string): string {
  const value = findText(query, name);
  if (value === undefined || value === "") {
    throw invalidArgument(name, value ?? "", `The ${name} parameter is required.`);
  }
  return value;
}

/** @throws S3Error InvalidArgument for what is not a whole number within the range. */
export function intParam(query: Query, name: string, range: IntRange): number {
  const text = findText(query, name);
  if (text === undefined || text === "") return range.fallback;
  const value = DIGITS.test(text) ? Number(text) : Number.NaN;
  if (!(value >= range.min && value <= (range.max ?? INT_MAX))) {
    const message =
      range.max === undefined
        ? `Provided ${name} not an integer or within integer range`
        : `Argument ${name} must be an integer between ${range.min} and ${range.max}`;
    throw invalidArgument(name, text, message);
  }
  return value;
}

/** How keys are to be written in an answer. @throws S3Error InvalidArgument for anything but `url`. */
export function encodingTypeParam(query: Query): "url" | undefined {
  const text = findText(query, "encoding-type");
  if (text === undefined || text === "") return undefined;
  if (text.toLowerCase() === "url") return "url";
  throw invalidArgument("encoding-type", text, "Invalid Encoding Method specified in Request");
}

/** The error for an argument that is understood to be wrong, with the elements that S3 adds. */
export function invalidArgument(name: string, value: string, message: string): S3Error {
  return new S3Error("InvalidArgument", {
    message,
    detail: { ArgumentName: name, ArgumentValue: value },
  });
}
