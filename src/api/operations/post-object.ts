// PostObject: an object from an HTML form. The form is signed and its policy judged in its fields; what is left is a PUT.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html

import { isAnonymous } from "../../core/account.ts";
import { S3Error } from "../../core/s3-error.ts";
import { defineOperation, type OpenForm, type OperationContext } from "../operation.ts";
import { postAnswer, postedUrl } from "../post-object/post-answer.ts";
import { putObject } from "./put-object.ts";

export const postObject = defineOperation({
  name: "PostObject",
  route: { method: "POST", target: "bucket" },
  action: "s3:PutObject",
  isDecidedInside: true,
  parse: () => undefined,

  async handle(context) {
    // A signature of the request as well would leave open whose object it is to be.
    if (!isAnonymous(context.account)) {
      throw new S3Error("InvalidRequest", {
        message: "A form is authenticated by its fields, not by a header or the query.",
      });
    }
    const form = await context.openForm();
    try {
      return await store(context.actFor(form), form);
    } finally {
      await form.close();
    }
  },
});

async function store(context: OperationContext, form: OpenForm) {
  await context.require("s3:PutObject");
  const { headers } = await putObject.execute(context, form.request);
  const { bucketName, key, request } = context;
  return postAnswer(form.fields, {
    bucketName,
    key,
    etag: headers["etag"] ?? "",
    url: postedUrl(request, key),
    headers,
  });
}
