// The AWS SDK's client for a server that the test started itself, ended with the test.

import { S3Client } from "@aws-sdk/client-s3";
import { atEnd } from "./at-end.ts";

export interface Keys {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** Tries once: a test wants to see the first answer. */
export function sdkClientOf(endpoint: string, keys: Keys, region = "us-east-1"): S3Client {
  const client = new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId: keys.accessKey, secretAccessKey: keys.secretKey },
    maxAttempts: 1,
  });
  atEnd(() => client.destroy());
  return client;
}
