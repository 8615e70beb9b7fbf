// Failures that everybody meets once are told with what to do about them.

import { expect, test } from "vitest";
import { DiskError } from "../../../src/disk/disk.ts";
import { explainFailure, failureWords } from "../../../src/wiring/explain-failure.ts";
import { StartError } from "../../../src/wiring/start-error.ts";

const errno = (code: string, more: object = {}) =>
  Object.assign(new Error(`${code}: it failed`), { code, syscall: "open", ...more });

test("a folder of another user: the very commands to run", () => {
  const words = explainFailure(errno("EACCES", { path: "/srv/it's data" })) ?? "";
  expect(words).toMatch(/may not use \/srv\/it's data/);
  expect(words).toMatch(/sudo chown -R \d+:\d+ '\/srv\/it'\\''s data'/);
  expect(words).toMatch(/sudo chmod -R u\+rwX/);
});

test.each([
  [
    errno("EADDRINUSE", { port: 9000, address: "127.0.0.1" }),
    /port 9000 on 127\.0\.0\.1 is in use/,
  ],
  [errno("EACCES", { port: 80, address: "0.0.0.0" }), /port 80 may not be opened by this user/],
  [errno("EADDRNOTAVAIL", { address: "10.9.8.7" }), /no address 10\.9\.8\.7: check --host/],
  [errno("EMFILE", { path: "/d" }), /raise the hard limit/],
  [errno("ENOSPC", { path: "/d" }), /no room left for \/d/],
  [errno("EROFS", { path: "/d" }), /mounted read-only/],
  [errno("ENOENT", { path: "/d", syscall: "mkdir" }), /\/d cannot be made: .* read-only/],
  [errno("ENOTDIR", { path: "/d/e" }), /is a file, or lies below one/],
])("%s", (error, words) => {
  expect(explainFailure(error)).toMatch(words);
});

test("the system's error is found behind our own", () => {
  const disk = new DiskError("OTHER", "open x", { cause: errno("EACCES", { path: "/d" }) });
  expect(failureWords(new StartError("cannot start", { cause: disk }))).toMatch(
    /^cannot start\n.*may not use \/d/,
  );
});

test("errors in words have no stack, all others do", () => {
  expect(failureWords(new StartError("in words"))).toBe("in words");
  expect(failureWords(new TypeError("a fault"))).toMatch(/explain-failure\.test\.ts/);
});
