// S94 and S95 of the web page: what it may load and who may frame it, that nothing in it could run what a name says, and
// that no answer of the admin API can be taken for a page. What a browser makes of it: `npm run web-test`.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask } from "../support/browser-session.ts";
import { startAdmin, type AdminLab } from "../support/admin-server.ts";

let lab: AdminLab;
const endings: (() => Promise<void>)[] = [];

beforeAll(async () => {
  lab = await startAdmin({}, (end) => endings.push(end));
});
afterAll(async () => {
  for (const end of endings) await end();
});

const PAGE = [
  ["/", "text/html; charset=utf-8"],
  ["/console/main.js", "text/javascript; charset=utf-8"],
  ["/console/style.css", "text/css; charset=utf-8"],
  ["/console/icon.svg", "image/svg+xml"],
] as const;

test.each(PAGE)(
  "%s is there for anyone, and can be framed and sniffed by nobody",
  async (path, type) => {
    const answer = await ask(lab, path);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, type]);
    const policy = answer.headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(/^default-src 'none'; /);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("require-trusted-types-for 'script'; trusted-types 'none'");
    expect(policy).not.toMatch(/unsafe|\*|data:|blob:|https?:/);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "referrer-policy": "no-referrer",
      "cross-origin-resource-policy": "same-origin",
      "cross-origin-opener-policy": "same-origin",
      "cache-control": "no-store",
    });
    expect(answer.headers.has("set-cookie")).toBe(false);
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      expect((await ask(lab, path, {}, method)).status).toBe(405);
    }
  },
);

test.each([
  "/console",
  "/console/",
  "/console/main.ts",
  "/console/../main.js",
  "/console/..%2fmain.js",
  "/console/%2e%2e/index.html",
  "/console/style.css%00",
  "/console/index.html",
  "//console/main.js",
])("%s is not there", async (path) => {
  expect((await ask(lab, path)).status).toBe(404);
});

test("S94: the page has no script, style or handler of its own, and its code no way to make markup of a text", async () => {
  const { body } = await ask(lab, "/");
  expect(body).not.toMatch(/<script(?![^>]*src=)|<style|\son\w+=|style=|javascript:/i);
  const folder = "src/console";
  const code = readdirSync(folder).filter((file) => file.endsWith(".ts"));
  expect(code.length).toBeGreaterThan(5);
  for (const file of code) {
    const text = readFileSync(join(folder, file), "utf8");
    expect([
      file,
      /innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(|DOMParser|srcdoc/.exec(
        text,
      ),
    ]).toEqual([file, null]);
  }
});

test("S94: no answer of the API is a page, whatever is in it", async () => {
  for (const path of [
    "/v1/openapi.json",
    "/v1/status",
    "/%3Cscript%3E",
    "/v1/objects?bucket=<b>",
  ]) {
    const answer = await ask(lab, path, { accept: "text/html" });
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("content-security-policy")).toBe(
      "default-src 'none'; frame-ancestors 'none'; sandbox",
    );
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  }
});

test("S95: a Host header that was made up leads nowhere", async () => {
  const answer = await ask(lab, "/", { host: "evil.example" });
  expect([answer.status, answer.headers.get("location")]).toEqual([200, undefined]);
  expect(answer.body).not.toContain("evil");
});
