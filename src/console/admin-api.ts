// Asks the admin API that this page came from. The token, this page's half of the session, is kept where other ports and
// other sites cannot see it; the other half is a cookie that no script can read.

import { SESSION_PATH, signInHeaders } from "./sign-in-request.ts";

/** The server refused; the message is its own. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = "Refusal";
    this.status = status;
    this.code = code;
  }
}

export interface RootKey {
  readonly accessKey: string;
  readonly secretKey: string;
}

const TOKEN_NAME = "kintsugi-session-token";
const ANSWER_MS_MAX = 20_000;
const NONCE_BYTES = 16;

let token = readToken();

export function isSignedIn(): boolean {
  return token !== "";
}

/** @throws Refusal, TypeError where nothing answers */
export async function signIn(key: RootKey): Promise<void> {
  const first = await trySignIn(key, Date.now());
  // A browser whose clock is wrong signs by the server's.
  const date = Date.parse(first.headers.get("date") ?? "");
  const isSkewed = first.status === 403 && Math.abs(date - Date.now()) > 60_000;
  const response = isSkewed ? await trySignIn(key, date) : first;
  const answer = (await readAnswer(response)) as { readonly token: string };
  keepToken(answer.token);
}

/** Also where the server cannot be asked: then the session ends by itself. */
export async function signOut(): Promise<void> {
  const headers = sessionHeaders();
  keepToken("");
  await fetch(SESSION_PATH, { method: "DELETE", headers, signal: timeout() }).catch(
    () => undefined,
  );
}

/** Empty parameters are left out. @throws Refusal, TypeError where nothing answers, DOMException when it is aborted */
export async function getAnswer(
  path: string,
  params: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<unknown> {
  const given = Object.entries(params).filter(([, value]) => value !== "");
  const query = given.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  const response = await fetch(query === "" ? path : `${path}?${query}`, {
    headers: sessionHeaders(),
    signal: AbortSignal.any([signal, timeout()]),
  });
  // The session is over, or was never this server's.
  if (response.status === 403) keepToken("");
  return readAnswer(response);
}

function trySignIn(key: RootKey, now: number): Promise<Response> {
  const random = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const nonce = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const headers = signInHeaders({ ...key, host: location.host, now, nonce });
  return fetch(SESSION_PATH, { method: "POST", headers, signal: timeout() });
}

async function readAnswer(response: Response): Promise<unknown> {
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer;
  const { code, message } = (answer ?? {}) as { readonly code?: string; readonly message?: string };
  throw new Refusal(response.status, code ?? "", message ?? `status ${response.status}`);
}

function sessionHeaders(): Record<string, string> {
  return { "x-kintsugi-session": token };
}

function timeout(): AbortSignal {
  return AbortSignal.timeout(ANSWER_MS_MAX);
}

function readToken(): string {
  try {
    return localStorage.getItem(TOKEN_NAME) ?? "";
  } catch {
    return ""; // Some browsers keep nothing for a page; then it lives as long as the page does.
  }
}

function keepToken(value: string): void {
  token = value;
  try {
    if (value === "") localStorage.removeItem(TOKEN_NAME);
    else localStorage.setItem(TOKEN_NAME, value);
  } catch {
    // As above.
  }
}
