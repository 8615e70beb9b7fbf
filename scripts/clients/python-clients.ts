// boto3, with nothing configured but endpoint and keys: objects, the transfer manager, presigned URLs of both versions.

import { join } from "node:path";
import { assertSameFile, type ClientCheck, givenFile, MIB } from "./client-check.ts";

const BOTO3 = `
import boto3, sys, hashlib, urllib.request
from botocore.config import Config
endpoint, bucket, small, large, out = sys.argv[1:6]
s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
body = open(small, "rb").read()
for key in ["plain", "a//b", "../x", "%2F", "a+b c", "dir/", "ümläut-😀", "a", "a/b"]:
    s3.put_object(Bucket=bucket, Key=key, Body=body, Metadata={"k": "v"}, ContentType="text/x")
    got = s3.get_object(Bucket=bucket, Key=key)
    assert got["Body"].read() == body, key
    assert got["Metadata"] == {"k": "v"} and got["ContentType"] == "text/x", got
listed = [o["Key"] for p in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2}) for o in p["Contents"]]
assert listed == sorted(listed, key=lambda k: k.encode()) and len(listed) == 9, listed
s3.upload_file(large, bucket, "large")
s3.download_file(bucket, "large", out)
head = s3.head_object(Bucket=bucket, Key="large")
assert head["ETag"].endswith('-4"') or "-" in head["ETag"], head["ETag"]
got = s3.get_object(Bucket=bucket, Key="large", Range="bytes=9000000-9000099")
with open(large, "rb") as f:
    f.seek(9000000); assert got["Body"].read() == f.read(100)
for config in [Config(), Config(signature_version="s3v4"), Config(signature_version="s3")]:
    c = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=config)
    url = c.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "ümläut-😀", "ResponseContentType": "text/y"})
    with urllib.request.urlopen(url) as r:
        assert r.read() == body and r.headers["content-type"] == "text/y", url
    url = c.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "put by url"})
    urllib.request.urlopen(urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""}))
    assert c.get_object(Bucket=bucket, Key="put by url")["Body"].read() == body
for algorithm in ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]:
    try:
        s3.put_object(Bucket=bucket, Key=algorithm, Body=body, ChecksumAlgorithm=algorithm)
    except Exception as e:
        if "MissingDependency" in type(e).__name__: continue  # awscrt is not installed
        raise
    head = s3.head_object(Bucket=bucket, Key=algorithm, ChecksumMode="ENABLED")
    assert head.get("Checksum" + algorithm), (algorithm, head)
s3.copy({"Bucket": bucket, "Key": "large"}, bucket, "copied")
s3.download_file(bucket, "copied", out + ".copy")
keys = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]]
gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": k} for k in keys]})
assert len(gone["Deleted"]) == len(keys), gone
assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
`;

export const boto3: ClientCheck = {
  name: "boto3 (client, transfer manager, presigned V2 and V4)",
  probe: ["python3", "-c", "import boto3"],
  async check({ endpoint, bucket, folder, run }) {
    const small = givenFile(join(folder, "small"), 100_003);
    const large = givenFile(join(folder, "large"), 30 * MIB + 7);
    const out = join(folder, "out");
    await run("python3", ["-c", BOTO3, endpoint, bucket, small, large, out]);
    assertSameFile(large, out);
    assertSameFile(large, `${out}.copy`);
  },
};
