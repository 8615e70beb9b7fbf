// `kintsugi health`: asks a server or a node whether it is ready. The health check of containers, so it starts fast and
// loads nothing but Node's own client.

import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";

const ANSWER_MS_MAX = 5_000;
const BODY_BYTES_MAX = 4_096;

export interface HealthAnswer {
  readonly isReady: boolean;
  /** A sentence for whoever reads the check's log. */
  readonly words: string;
}

/** Asks `URL/_kintsugi/ready`; never rejects. */
export async function askHealth(url: string): Promise<HealthAnswer> {
  const target = URL.canParse(url) ? new URL("/_kintsugi/ready", url) : undefined;
  if (target === undefined || !/^https?:$/.test(target.protocol)) {
    return { isReady: false, words: `${url} is not a URL such as http://127.0.0.1:9000` };
  }
  try {
    const { status, body } = await get(target);
    const isReady = status === 200;
    return {
      isReady,
      words: `${target.href}: ${isReady ? "ready" : `not ready (${status})`} ${body}`.trim(),
    };
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return { isReady: false, words: `${target.href}: no answer: ${words}` };
  }
}

function get(target: URL): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const options = {
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
      agent: false,
      // Whether it is up is asked, not who it is: its certificate names the public host, and nothing secret is sent.
      rejectUnauthorized: false,
    };
    const send = target.protocol === "https:" ? requestHttps : requestHttp;
    const request = send(target, options, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body = (body + chunk).slice(0, BODY_BYTES_MAX);
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end();
  });
}
