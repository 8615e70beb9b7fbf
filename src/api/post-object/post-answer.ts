// What a form is answered: a redirect to a page of the form's choice, or one of three statuses of its choice.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html

import type { S3Request, S3Response } from "../operation.ts";
import { emptyResponse } from "../response.ts";
import { renderPlainXml } from "../xml/render.ts";

export interface PostedObject {
  readonly bucketName: string;
  readonly key: string;
  /** With its quotes. */
  readonly etag: string;
  /** Of the object, for the answer's headers and its document. */
  readonly url: string;
  /** Those of a PUT's answer; ETag among them. */
  readonly headers: Readonly<Record<string, string>>;
}

export function postAnswer(fields: ReadonlyMap<string, string>, object: PostedObject): S3Response {
  const { bucketName, key, etag, url, headers } = object;
  const redirect = findRedirect(fields);
  if (redirect !== undefined) {
    const told = `bucket=${bucketName}&key=${encodeURIComponent(key)}&etag=${encodeURIComponent(etag)}`;
    redirect.search = redirect.search === "" ? told : `${redirect.search}&${told}`;
    return emptyResponse(303, { ...headers, location: redirect.href });
  }
  const status = fields.get("success_action_status");
  if (status === "201") {
    const document = { Location: url, Bucket: bucketName, Key: key, ETag: etag };
    return {
      status: 201,
      headers: { ...headers, location: url, "content-type": "application/xml" },
      body: renderPlainXml("PostResponse", document),
    };
  }
  return emptyResponse(status === "200" ? 200 : 204, { ...headers, location: url });
}

/** What is no address of the web counts as absent, as with S3. */
function findRedirect(fields: ReadonlyMap<string, string>): URL | undefined {
  const text = fields.get("success_action_redirect") ?? fields.get("redirect");
  if (text === undefined || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.protocol === "http:" || url.protocol === "https:" ? url : undefined;
}

/** The address of the object that a form to this bucket has made, as the client itself spells the bucket's. */
export function postedUrl(
  { headers, isSecure, rawPath }: Pick<S3Request, "headers" | "isSecure" | "rawPath">,
  key: string,
): string {
  const bucketPath = rawPath.endsWith("/") ? rawPath : `${rawPath}/`;
  const path = key.split("/").map(encodeURIComponent).join("/");
  return `${isSecure ? "https" : "http"}://${headers.get("host") ?? "localhost"}${bucketPath}${path}`;
}
