// Browsers: a request signed with the root key opens a session, whose two halves together may look at everything and
// change nothing; one half alone, another site's request and an ended session may do nothing.

import { afterAll, beforeAll, expect, test } from "vitest";
import { ADMIN_ROUTES } from "../../src/admin/admin-routes.ts";
import { codeOfAnswer, startAdmin, type AdminLab } from "../support/admin-server.ts";
import { ask, sessionHeaders, signIn } from "../support/browser-session.ts";
import { exchange } from "../support/raw-http.ts";

let lab: AdminLab;
const endings: (() => Promise<void>)[] = [];

beforeAll(async () => {
  lab = await startAdmin({}, (end) => endings.push(end));
});
afterAll(async () => {
  for (const end of endings) await end();
});

test("a session may look at everything that needs the root key, and at nothing without it", async () => {
  const session = await signIn(lab);
  const asked = ADMIN_ROUTES.filter(
    ({ method, access }) => method === "GET" && access !== "public",
  );
  for (const { path } of asked) {
    const allowed = await ask(lab, path, sessionHeaders(session));
    // Where a bucket must be named, or the server has no data nodes: let in, and then told.
    expect([path, [200, 400, 409].includes(allowed.status)]).toEqual([path, true]);
    expect((await ask(lab, path)).status).toBe(403);
  }
});

test("a session changes nothing: what is not a GET is still signed", async () => {
  const session = await signIn(lab);
  const posts = ADMIN_ROUTES.filter(({ method, access }) => method !== "GET" && access === "root");
  expect(posts.length).toBeGreaterThan(5);
  for (const { method, path, isSignIn } of posts) {
    if (isSignIn === true) continue;
    const answer = await ask(lab, path, sessionHeaders(session), method);
    expect([path, answer.status, codeOfAnswer(answer)]).toEqual([path, 403, "AccessDenied"]);
  }
});

test("the cookie is for this server alone, out of reach of scripts and of other sites", async () => {
  const { setCookie } = await signIn(lab);
  expect(setCookie).toMatch(
    /^kintsugi-[0-9a-f]{12}=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/,
  );
});

test("S95: one half of a session opens nothing", async () => {
  const [session, other] = [await signIn(lab), await signIn(lab)];
  const { cookie, token } = session;
  const bare = cookie.split("=")[1] ?? "";
  const halves: readonly Record<string, string>[] = [
    { cookie },
    { "x-kintsugi-session": token },
    { cookie, "x-kintsugi-session": "" },
    { cookie, "x-kintsugi-session": other.token },
    { cookie, "x-kintsugi-session": bare },
    { cookie: `session=${bare}`, "x-kintsugi-session": token },
    { cookie: cookie.replace("=", "x="), "x-kintsugi-session": token },
    { cookie: `${cookie}x`, "x-kintsugi-session": token },
    { cookie: `${cookie.split("=")[0]}=__proto__`, "x-kintsugi-session": token },
  ];
  for (const headers of halves) expect((await ask(lab, "/v1/status", headers)).status).toBe(403);
  expect((await ask(lab, "/v1/status", sessionHeaders(session))).status).toBe(200);
  // A cookie of the same name that another port of this host has set does no harm.
  const tossed = { ...sessionHeaders(session), cookie: `${cookie.split("=")[0]}=evil; ${cookie}` };
  expect((await ask(lab, "/v1/status", tossed)).status).toBe(200);
});

test("S95: a request that another site causes is not let in, whatever it carries", async () => {
  const session = sessionHeaders(await signIn(lab));
  for (const site of ["cross-site", "same-site", "none"]) {
    const answer = await ask(lab, "/v1/status", { ...session, "sec-fetch-site": site });
    expect(answer.status).toBe(403);
  }
  const own = await ask(lab, "/v1/status", { ...session, "sec-fetch-site": "same-origin" });
  expect(own.status).toBe(200);
  // And no other origin may read an answer, or ask whether it may send one.
  const origin = { origin: "https://evil.example", "access-control-request-method": "GET" };
  for (const answer of [
    await ask(lab, "/v1/status", { ...session, ...origin }),
    await ask(lab, "/v1/status", origin, "OPTIONS"),
  ]) {
    expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual(
      [],
    );
  }
});

test("signing out ends the session, and only that one", async () => {
  const [session, other] = [await signIn(lab), await signIn(lab)];
  const out = await ask(lab, "/v1/session", sessionHeaders(session), "DELETE");
  expect([out.status, out.headers.get("set-cookie")]).toEqual([
    200,
    expect.stringMatching(/^kintsugi-\w+=; .*Max-Age=0$/),
  ]);
  expect((await ask(lab, "/v1/status", sessionHeaders(session))).status).toBe(403);
  expect((await ask(lab, "/v1/session", sessionHeaders(session), "DELETE")).status).toBe(403);
  expect((await ask(lab, "/v1/status", sessionHeaders(other))).status).toBe(200);
});

test("there are no more than 32 sessions: the oldest makes room", async () => {
  const oldest = await signIn(lab);
  for (let made = 0; made < 32; made += 1) await signIn(lab);
  expect((await ask(lab, "/v1/status", sessionHeaders(oldest))).status).toBe(403);
});

test("a body where none belongs is not read, and does not become a request of its own", async () => {
  const session = await signIn(lab);
  const { host } = new URL(lab.endpoint);
  const hidden = `GET /v1/status HTTP/1.1\r\nhost: ${host}\r\n\r\n`;
  const head = [
    "GET /v1/key HTTP/1.1",
    `host: ${host}`,
    `cookie: ${session.cookie}`,
    `x-kintsugi-session: ${session.token}`,
    `content-length: ${hidden.length}`,
  ];
  const bytes = `${head.join("\r\n")}\r\n\r\n${hidden}`;
  const answer = await exchange(lab.port, (socket) => socket.write(bytes), { untilClosed: true });
  expect([answer.status, answer.rest]).toEqual([200, ""]);
});

test("who fails to sign in ten times is told to wait, also with the right key", async () => {
  const own = await startAdmin();
  const wrong = { ...own.keys, secretKey: "wrong" };
  for (let tried = 0; tried < 10; tried += 1) {
    const answer = await own.send({ method: "POST", path: "/v1/session", keys: wrong });
    expect([answer.status, codeOfAnswer(answer)]).toEqual([403, "SignatureDoesNotMatch"]);
  }
  const refused = await own.send({ method: "POST", path: "/v1/session" });
  expect([refused.status, codeOfAnswer(refused)]).toEqual([429, "SlowDown"]);
  // Commands go on.
  expect((await own.send({ path: "/v1/status" })).status).toBe(200);
});
