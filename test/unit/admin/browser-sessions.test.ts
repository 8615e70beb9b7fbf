// How long a browser's session lives, by a clock that the test moves, and how failures to sign in are counted.

import { expect, test } from "vitest";
import { BrowserSessions } from "../../../src/admin/browser-sessions.ts";
import { SignInLimit } from "../../../src/admin/sign-in-limit.ts";
import type { WireRequest } from "../../../src/core/wire-request.ts";
import type { Clock } from "../../../src/util/clock.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

function givenClock() {
  let at = 0;
  const clock: Pick<Clock, "monotonic" | "now"> = { monotonic: () => at, now: () => at };
  return { clock: clock as Clock, pass: (ms: number) => (at += ms) };
}

function requestOf(headers: Readonly<Record<string, string>>): WireRequest {
  return {
    method: "GET",
    rawPath: "/",
    rawQuery: "",
    query: [],
    headers: new Map(Object.entries(headers)),
    rawHeaders: [],
  };
}

function givenSession(isTls = false) {
  const { clock, pass } = givenClock();
  const sessions = new BrowserSessions(clock, "a-cluster");
  const { cookie, token } = sessions.open(isTls);
  const request = requestOf({ cookie: cookie.split(";", 1)[0] ?? "", "x-kintsugi-session": token });
  const isAdmitted = (): boolean => {
    try {
      sessions.admit(request);
      return true;
    } catch {
      return false;
    }
  };
  return { isAdmitted, pass, cookie };
}

test("a session that is not used ends after half an hour", () => {
  const { isAdmitted, pass } = givenSession();
  pass(29 * MINUTE_MS);
  expect(isAdmitted()).toBe(true);
  pass(29 * MINUTE_MS);
  expect(isAdmitted()).toBe(true);
  pass(30 * MINUTE_MS);
  expect(isAdmitted()).toBe(false);
});

test("a session that is used all the while ends after twelve hours", () => {
  const { isAdmitted, pass } = givenSession();
  for (let quarter = 1; quarter < 12 * 4; quarter += 1) {
    pass(HOUR_MS / 4);
    expect(isAdmitted()).toBe(true);
  }
  pass(HOUR_MS / 4);
  expect(isAdmitted()).toBe(false);
});

test("over TLS the cookie is for TLS alone", () => {
  expect(givenSession(true).cookie).toMatch(/; Secure$/);
});

test("failures are counted by address, and forgotten after a minute", () => {
  const { clock, pass } = givenClock();
  const limit = new SignInLimit(clock);
  for (let tried = 0; tried < 10; tried += 1) limit.failed("10.0.0.1");
  expect(() => limit.check("10.0.0.1")).toThrow(/wait a minute/);
  expect(() => limit.check("10.0.0.2")).not.toThrow();
  pass(MINUTE_MS);
  expect(() => limit.check("10.0.0.1")).not.toThrow();
});

test("many addresses together do not keep this machine's own people out", () => {
  const limit = new SignInLimit(givenClock().clock);
  for (let tried = 0; tried < 50; tried += 1) limit.failed(`10.0.1.${tried}`);
  expect(() => limit.check("10.0.0.2")).toThrow(/wait a minute/);
  expect(() => limit.check("127.0.0.1")).not.toThrow();
});
