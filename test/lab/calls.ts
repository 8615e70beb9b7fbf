// Sends a request and sorts its answer: done, refused (then nothing has changed), or unknown (then it may be either way).

import type { LabAnswer, LabClient, LabRequest } from "./lab-client.ts";
import type { Journal, World } from "./world.ts";

export type Outcome =
  | { readonly kind: "done"; readonly answer: LabAnswer }
  | { readonly kind: "refused"; readonly answer: LabAnswer; readonly code: string }
  | { readonly kind: "unknown" };

export interface LabContext {
  readonly world: World;
  readonly client: LabClient;
  readonly journal: Journal;
  /** Whether the server has been killed, so that calls fail as they should. */
  readonly isDown: () => boolean;
}

export async function call(context: LabContext, request: LabRequest): Promise<Outcome> {
  const { journal } = context;
  const what = `${request.method} ${request.path}?${request.query ?? ""}`;
  let answer: LabAnswer;
  try {
    answer = await context.client.send(request);
  } catch (error) {
    if (!context.isDown()) journal.note(`no answer: ${errorCode(error)}`);
    return { kind: "unknown" };
  }
  journal.note("requests answered");
  const isGood = answer.status >= 200 && answer.status < 300;
  if (isGood && !isLateRefusal(request, answer)) return { kind: "done", answer };
  if (answer.status === 404 && request.method === "HEAD") {
    return { kind: "refused", answer, code: "NoSuchKey" };
  }
  const code = /<Code>(\w+)</.exec(answer.body.toString("latin1"))?.[1] ?? "";
  if (isGood) journal.note(`late refusal ${code}`);
  if (answer.status < 500) return { kind: "refused", answer, code };
  journal.note(`answer ${answer.status} ${code} to ${request.method}`);
  if (answer.status === 500) journal.violation(`${what}: ${answer.body.toString().slice(0, 300)}`);
  return { kind: "unknown" };
}

function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

/** Copies and completions may send their status before they know how they end: then the document tells. */
function isLateRefusal({ method }: LabRequest, { body }: LabAnswer): boolean {
  return (
    method !== "GET" && body.length < 2_000 && /<Error>\s*<Code>/.test(body.toString("latin1"))
  );
}

export function keyPath(world: World, name: string): string {
  return `/${world.bucket}/${name.split("/").map(encodeURIComponent).join("/")}`;
}

export function etagOf(answer: LabAnswer): string {
  return String(answer.headers["etag"] ?? "").replaceAll('"', "");
}
