// What the log leaves out: secrets by the name of their field, signatures by their look, and known secrets wherever
// they appear (S92).

import { expect, test } from "vitest";
import { censorLine } from "../../../src/telemetry/censor.ts";
import type { LogLevel } from "../../../src/telemetry/log-level.ts";
import { openLogger, silentLogger } from "../../../src/telemetry/logger.ts";

function givenLog(level: LogLevel = "trace") {
  const lines: string[] = [];
  const sink = { write: (line: string) => void lines.push(line), flush: () => undefined };
  return { logger: openLogger(level, sink), lines };
}

test("lines are JSON with the message, the fields and an error's stack", () => {
  const { logger, lines } = givenLog();
  logger.warn({ drive: "d1", err: new Error("broken") }, "a drive is set aside");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    level: 40,
    msg: "a drive is set aside",
    drive: "d1",
    err: { message: "broken", stack: expect.stringContaining("logger.test.ts") },
  });
});

test("lines below the level are not written", () => {
  const { logger, lines } = givenLog("warn");
  logger.info({}, "not this");
  logger.error({}, "this");
  expect(lines).toHaveLength(1);
  expect([logger.isLevelEnabled("info"), logger.isLevelEnabled("error")]).toEqual([false, true]);
  expect(silentLogger.isLevelEnabled("fatal")).toBe(false);
});

test("S92: fields that hold secrets are censored, also those of objects in them", () => {
  const { logger, lines } = givenLog();
  const fields = { secretKey: "s3cr3t-1", user: { password: "s3cr3t-2" } };
  logger.info({ ...fields, headers: { authorization: "s3cr3t-3" } }, "x");
  expect(lines[0]).not.toContain("s3cr3t");
});

test("an object that holds itself is cut off, and the caller's objects stay as they are", () => {
  const { logger, lines } = givenLog();
  const endless: Record<string, unknown> = { secretKey: "s3cr3t" };
  endless["self"] = endless;
  logger.info({ endless }, "x");
  expect(lines[0]).not.toContain("s3cr3t");
  expect(endless["secretKey"]).toBe("s3cr3t");
});

test("S92: known secrets are censored wherever they appear, also when they become known late", () => {
  const { logger, lines } = givenLog();
  logger.hide("the-root-secret");
  logger.error(
    { err: new Error("bad key the-root-secret"), path: "/the-root-secret" },
    "the-root-secret",
  );
  expect(lines[0]).not.toContain("the-root-secret");
  logger.hide("a-user-secret");
  logger.info({ path: "/a-user-secret" }, "x");
  expect(lines[1]).not.toContain("a-user-secret");
});

test.each([
  ["/b/k?X-Amz-Signature=abc123&x=1", "/b/k?X-Amz-Signature=[censored]&x=1"],
  ["/b/k?x-amz-credential=abc123", "/b/k?x-amz-credential=[censored]"],
  ["/b/k?X-Amz-Security-Token=abc123", "/b/k?X-Amz-Security-Token=[censored]"],
  [
    "/b/k?AWSAccessKeyId=abc123&Signature=abc123",
    "/b/k?AWSAccessKeyId=[censored]&Signature=[censored]",
  ],
  [
    "AWS4-HMAC-SHA256 Credential=k/d, Signature=abc123",
    "AWS4-HMAC-SHA256 Credential=k/d, Signature=[censored]",
  ],
  ["AWS key:abc123", "AWS key:[censored]"],
  ["nothing of the sort", "nothing of the sort"],
])("S92: in %s the signature is censored", (text, censored) => {
  expect(censorLine(text, new Set())).toBe(censored);
});

test("a text that is too short to be a secret hides nothing", () => {
  expect(censorLine("the test is over", new Set(["test"]))).toBe("the test is over");
});

const timeless = (text: string) => text.replace(/"time":\d+/, '"time":0');

test("lines of plain fields are written without pino, and say what pino would", () => {
  const { logger, lines } = givenLog();
  const names = ["requestId", "path", "status", "isWhole", "absent", "durationMs", 'odd "name"'];
  const values = [
    "7",
    'a "b" \\ c\n',
    "caf\u00e9 \u2028 \ud83d\ude00",
    "\u0000\u007f",
    0,
    1.5,
    true,
    false,
    undefined,
    null,
  ];
  for (const name of names) {
    for (const value of values) {
      for (const fields of [{ first: 1, [name]: value, last: "x" }, { [name]: value }]) {
        logger.info(fields, "request");
        const line = lines.pop() ?? "";
        expect(line.endsWith("\n")).toBe(true);
        logger.warn(fields, "request");
        const byPino = (lines.pop() ?? "").replace('"level":40', '"level":30');
        expect(timeless(line)).toBe(timeless(byPino));
      }
    }
  }
});

test("S92: a plain field with the name of a secret is censored, and so is what looks like one", () => {
  const { logger, lines } = givenLog();
  logger.hide("the-root-secret");
  logger.info({ path: "/a", Password: "s3cr3t" }, "request");
  logger.info({ path: "/a?X-Amz-Signature=s3cr3t&x=the-root-secret" }, "request");
  expect(lines.join("")).not.toMatch(/s3cr3t|root-secret/);
});

test("fields that say themselves what they are in JSON are left to pino", () => {
  const { logger, lines } = givenLog();
  const asText = Object.create({ toJSON: () => "text" }) as Record<string, unknown>;
  logger.info(asText, "x");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ msg: "x" });
});
