// What a browser that signed in to the admin API has, and requests as it makes them.

import type { AdminLab } from "./admin-server.ts";
import { sendRaw, type RawAnswer } from "./raw-http.ts";
import { wireBytes } from "./signing.ts";

export interface SignedIn {
  readonly token: string;
  /** Name and value. */
  readonly cookie: string;
  /** All of Set-Cookie. */
  readonly setCookie: string;
}

export async function signIn(lab: AdminLab): Promise<SignedIn> {
  const answer = await lab.send({ method: "POST", path: "/v1/session" });
  const setCookie = answer.headers.get("set-cookie") ?? "";
  const { token } = JSON.parse(answer.body) as { token: string };
  return { token, setCookie, cookie: setCookie.split(";", 1)[0] ?? "" };
}

/** The headers by which a session is known. */
export function sessionHeaders({ cookie, token }: SignedIn): Record<string, string> {
  return { cookie, "x-kintsugi-session": token };
}

/** A request without a signature. */
export function ask(
  lab: AdminLab,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = "GET",
): Promise<RawAnswer> {
  const { host } = new URL(lab.endpoint);
  return sendRaw(lab.port, wireBytes(method, path, { host, ...headers }));
}
