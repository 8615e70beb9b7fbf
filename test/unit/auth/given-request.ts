// Requests and settings for the tests of signatures, made as the HTTP server makes them from the wire.

import type { Account } from "../../../src/core/account.ts";
import type { AuthSettings } from "../../../src/auth/authenticate.ts";
import { createCredentialSource } from "../../../src/auth/credentials.ts";
import type { S3Error } from "../../../src/core/s3-error.ts";
import type { WireRequest } from "../../../src/core/wire-request.ts";
import type { AccountId } from "../../../src/core/ids.ts";
import { expect } from "vitest";

/** The key pair of AWS's documentation. */
export const EXAMPLE_KEY = "AKIAIOSFODNN7EXAMPLE";
export const EXAMPLE_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

export const account: Account = {
  id: "0".repeat(64) as AccountId,
  name: "example",
  displayName: "example",
  email: undefined,
};

export type HeaderList = readonly (readonly [string, string])[];

export function givenRequest(
  method: string,
  target: string,
  headers: HeaderList | Readonly<Record<string, string>>,
): WireRequest {
  const list = Array.isArray(headers) ? (headers as HeaderList) : Object.entries(headers);
  const [rawPath = "", ...rest] = target.split("?");
  const rawQuery = rest.join("?");
  const joined = new Map<string, string>();
  for (const [name, value] of list) {
    const known = joined.get(name.toLowerCase());
    joined.set(name.toLowerCase(), known === undefined ? value : `${known},${value}`);
  }
  return {
    method,
    rawPath,
    rawQuery,
    query: [...new URLSearchParams(rawQuery)].map(([name, value]) => ({ name, value })),
    headers: joined,
    rawHeaders: list.flat(),
  };
}

export function givenSettings(
  options: Partial<AuthSettings> & { nowMs?: number } = {},
): AuthSettings {
  const { nowMs = Date.now(), ...overrides } = options;
  return {
    credentials: createCredentialSource([
      { accessKey: EXAMPLE_KEY, secretKey: EXAMPLE_SECRET, account },
    ]),
    clock: { now: () => nowMs, monotonic: () => 0, translate: (dateMs) => dateMs },
    region: "us-east-1",
    publicHosts: [],
    sigv2: true,
    ...overrides,
  };
}

/** The S3Error that `action` throws; fails when it throws another or none. */
export function refusalOf(action: () => unknown): Pick<S3Error, "code" | "detail" | "message"> {
  let thrown: unknown;
  try {
    action();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ name: "S3Error" });
  return thrown as S3Error;
}
