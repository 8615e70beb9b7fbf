// aws-chunked is framing of the transfer, not part of the object: it is taken off before Content-Encoding is stored.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html

/** What is stored of a Content-Encoding header, as sent but for aws-chunked; undefined when nothing is left. */
export function storedContentEncoding(value: string | undefined): string | undefined {
  if (value === undefined || !/aws-chunked/i.test(value)) return value;
  const kept = value
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding.toLowerCase() !== "aws-chunked");
  return kept.length === 0 ? undefined : kept.join(", ");
}
