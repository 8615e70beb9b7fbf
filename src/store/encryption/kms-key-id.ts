// How clients name a key (SSE-KMS): by its name, an alias, or an ARN.
// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id

/** The key of those who ask for encryption with KMS and name none. Here it may be given, or not. */
export const DEFAULT_KMS_KEY = "aws/s3";

const NAME = /^[A-Za-z0-9][A-Za-z0-9/_.-]{0,127}$/;
const ARN = /^arn:aws[a-z-]{0,32}:kms:[a-z0-9-]{0,64}:[A-Za-z0-9-]{0,64}:(?:key|alias)\/(.+)$/;
const ALIAS = "alias/";

/** The name in a key's id as clients write it; undefined where that is no id. */
export function nameInKeyId(keyId: string): string | undefined {
  const ofArn = ARN.exec(keyId)?.[1];
  const name = ofArn ?? (keyId.startsWith(ALIAS) ? keyId.slice(ALIAS.length) : keyId);
  return NAME.test(name) ? name : undefined;
}
