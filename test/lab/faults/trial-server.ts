// The server of one trial, with a bucket and with short waits, and a client of it. Both end with the trial.

import assert from "node:assert/strict";
import { atEnd } from "../../support/at-end.ts";
import { LabClient } from "../lab-client.ts";
import { LAB_KEYS, LabServer } from "../lab-server.ts";

export const BUCKET = "lab-bucket";

export interface TrialServer {
  readonly server: LabServer;
  readonly endpoint: string;
  readonly client: LabClient;
}

interface TrialServerOptions {
  /** What a trial wants beside the bucket. */
  readonly env?: Readonly<Record<string, string>>;
  /** Of the client, at once. */
  readonly connections?: number;
}

/** On a folder that may have been served before. @throws AssertionError when it does not start. */
export async function startTrialServer(
  folder: string,
  { env, connections }: TrialServerOptions = {},
): Promise<TrialServer> {
  const server = new LabServer({
    folder,
    env: { KINTSUGI_BUCKETS: BUCKET, KINTSUGI_HASTE: "60", ...env },
  });
  atEnd(() => server.kill());
  const endpoint = await server.ready();
  assert.ok(endpoint !== undefined, `no start: ${server.output}`);
  const client = new LabClient(endpoint, LAB_KEYS, connections);
  atEnd(() => client.close());
  return { server, endpoint, client };
}
