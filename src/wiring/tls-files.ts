// The certificate and its key: read at the start, and again whenever one of the files changes, without a restart. A new
// pair that is no good is reported and the old one stays in use: renewal tools replace the two files one after the other.

import { X509Certificate } from "node:crypto";
import { unwatchFile, watchFile } from "node:fs";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import type { Logger } from "../telemetry/logger.ts";
import { StartError } from "./start-error.ts";

export interface TlsPair {
  readonly cert: string;
  readonly key: string;
  /** When clients begin to refuse it; milliseconds since 1970. */
  readonly endsAt: number;
}

export interface TlsPaths {
  readonly certPath: string;
  readonly keyPath: string;
}

const LOOK_EVERY_MS = 500;

/** @throws StartError when the files cannot be read or do not belong together. */
export async function readTlsPair(paths: TlsPaths): Promise<TlsPair> {
  try {
    const [cert, key] = await Promise.all([
      readFile(paths.certPath, "utf8"),
      readFile(paths.keyPath, "utf8"),
    ]);
    // Throws where either is malformed or the key is another certificate's.
    createSecureContext({ cert, key });
    return { cert, key, endsAt: Date.parse(new X509Certificate(cert).validTo) };
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new StartError(
      `the certificate ${paths.certPath} with the key ${paths.keyPath} cannot be used: ${words}`,
      { cause: error },
    );
  }
}

/**
 * Calls `use` with every good new pair until the returned function is called. Looks at times and sizes of the files
 * rather than at folder events: those miss network mounts, and the link swaps by which Kubernetes renews secrets.
 */
export function watchTlsPair(
  paths: TlsPaths,
  use: (pair: TlsPair) => void,
  logger: Logger,
): () => void {
  const reload = async (): Promise<void> => {
    try {
      use(await readTlsPair(paths));
      logger.info({ certificate: paths.certPath }, "the certificate was read again");
    } catch (error) {
      logger.error({ err: error }, "the new certificate is no good: the old one stays in use");
    }
  };
  const onChange = (): void => void reload();
  const watched = new Set([paths.certPath, paths.keyPath]);
  for (const path of watched) {
    watchFile(path, { interval: LOOK_EVERY_MS, persistent: false }, onChange);
  }
  return () => {
    for (const path of watched) unwatchFile(path, onChange);
  };
}
