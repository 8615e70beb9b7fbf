// A POST form, from the wire to a PUT that somebody may be asked about: fields, signature, policy. Nothing of the file
// has been read when it is done.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html

import type { AuthSettings } from "../../auth/authenticate.ts";
import { authenticateForm } from "../../auth/form-signature.ts";
import type { ChecksumAlgorithm } from "../../core/checksum.ts";
import { checkKey } from "../../core/object-key.ts";
import { PUT_BYTES_MAX } from "../../core/limits.ts";
import { S3Error } from "../../core/s3-error.ts";
import type { UploadBody } from "../../store/upload-body.ts";
import { openUploadBody } from "../body/upload-body.ts";
import type { OpenForm, S3Request } from "../operation.ts";
import { invalidArgument } from "../params.ts";
import { checkPostPolicy } from "./check-post-policy.ts";
import { formHeaders } from "./form-headers.ts";
import { parsePostPolicy, type PostPolicy } from "./post-policy.ts";
import { type PostForm, readPostForm } from "./read-post-form.ts";

export interface PostFormSource {
  readonly request: S3Request;
  readonly body: AsyncIterable<Uint8Array>;
  readonly auth: AuthSettings;
}

const FILE_NAME = "${filename}";

/**
 * @throws S3Error as `readPostForm`, `authenticateForm` and `parsePostPolicy`; AccessDenied by the policy; InvalidArgument,
 *   KeyTooLongError for the key; MalformedXML, InvalidTag for tags
 */
export async function openPostForm({ request, body, auth }: PostFormSource): Promise<OpenForm> {
  const form = await readPostForm(body, request.headers.get("content-type"));
  try {
    const authentication = authenticateForm(form.fields, auth);
    const key = keyOf(form);
    const policyText = form.fields.get("policy");
    const policy = policyText === undefined ? undefined : parsePostPolicy(policyText);
    if (policy !== undefined) {
      const judged = new Map(form.fields).set("bucket", request.bucketName).set("key", key);
      checkPostPolicy(policy, judged, auth.clock);
    }
    const headers = formHeaders(form.fields, request.headers);
    const put: S3Request = { ...request, headers, key, rawQuery: "", query: [] };
    return {
      authentication,
      request: put,
      openBody: (wanted) => openFile({ form, request: put, policy, wanted }),
      fields: form.fields,
      close: form.close,
    };
  } catch (error) {
    await form.close();
    throw error;
  }
}

function keyOf({ fields, fileName }: PostForm): string {
  const field = fields.get("key");
  if (field === undefined) {
    throw invalidArgument(
      "key",
      "",
      "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
    );
  }
  const key = field.split(FILE_NAME).join(fileName);
  if (key === "")
    throw invalidArgument("key", field, "User key must have a length greater than 0.");
  checkKey(key);
  return key;
}

interface FileOfForm {
  readonly form: PostForm;
  readonly request: S3Request;
  readonly policy: PostPolicy | undefined;
  readonly wanted: ChecksumAlgorithm | undefined;
}

async function openFile({ form, request, policy, wanted }: FileOfForm): Promise<UploadBody> {
  const range = policy?.sizeRange;
  return openUploadBody({
    request,
    payload: { kind: "unsigned" },
    wanted,
    source: withMinimum(form.file(), range?.min ?? 0),
    sizeBytesMax: Math.min(range?.max ?? PUT_BYTES_MAX, PUT_BYTES_MAX),
  });
}

async function* withMinimum(
  chunks: AsyncIterable<Uint8Array>,
  minBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    sizeBytes += chunk.length;
    yield chunk;
  }
  if (sizeBytes >= minBytes) return;
  throw new S3Error("EntityTooSmall", {
    message: "Your proposed upload is smaller than the minimum allowed size",
    detail: { ProposedSize: String(sizeBytes), MinSizeAllowed: String(minBytes) },
  });
}
