// Tags of objects and buckets.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html

export interface Tag {
  readonly key: string;
  readonly value: string;
}
