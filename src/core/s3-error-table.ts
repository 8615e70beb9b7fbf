// Every error code that Kintsugi answers with, its HTTP status and its message. Data, so longer than other files may be.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList

const error = (status: number, message: string) => ({ status, message }) as const;

export const S3_ERRORS = {
  AccessControlListNotSupported: error(400, "The bucket does not allow ACLs"),
  AccessDenied: error(403, "Access Denied"),
  AccessForbidden: error(403, "CORSResponse: This CORS request is not allowed."),
  AuthorizationHeaderMalformed: error(
    400,
    "The authorization header that you provided is not valid.",
  ),
  AuthorizationQueryParametersError: error(
    400,
    "The authorization query parameters that you provided are not valid.",
  ),
  BadDigest: error(
    400,
    "The Content-MD5 or checksum value that you specified did not match what the server received.",
  ),
  BadRequest: error(400, "Bad Request"),
  BucketAlreadyExists: error(
    409,
    "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.",
  ),
  BucketAlreadyOwnedByYou: error(
    409,
    "Your previous request to create the named bucket succeeded and you already own it.",
  ),
  BucketNotEmpty: error(409, "The bucket that you tried to delete is not empty."),
  ConditionalRequestConflict: error(
    409,
    "A conflicting operation occurred. If using PutObject you can retry the request. If using multipart upload you should initiate another CreateMultipartUpload request and re-upload each part.",
  ),
  EntityTooLarge: error(400, "Your proposed upload exceeds the maximum allowed object size."),
  EntityTooSmall: error(
    400,
    "Your proposed upload is smaller than the minimum allowed object size.",
  ),
  ExpiredToken: error(400, "The provided token has expired."),
  IllegalLocationConstraintException: error(400, "The specified location-constraint is not valid."),
  IllegalVersioningConfigurationException: error(
    400,
    "The versioning configuration specified in the request is not valid.",
  ),
  IncompleteBody: error(
    400,
    "You did not provide the number of bytes specified by the Content-Length HTTP header.",
  ),
  InsufficientStorage: error(507, "There is no room left for new objects on the server's drives."),
  InternalError: error(500, "We encountered an internal error. Please try again."),
  InvalidAccessKeyId: error(
    403,
    "The AWS access key ID that you provided does not exist in our records.",
  ),
  InvalidArgument: error(400, "Invalid Argument"),
  InvalidBucketAclWithBlockPublicAccessError: error(
    400,
    "Bucket cannot have public ACLs set with BlockPublicAccess enabled",
  ),
  InvalidBucketAclWithObjectOwnership: error(
    400,
    "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
  ),
  InvalidBucketName: error(400, "The specified bucket is not valid."),
  InvalidBucketState: error(409, "The request is not valid with the current state of the bucket."),
  InvalidChunkSizeError: error(
    403,
    "Only the last chunk is allowed to have a size less than 8192 bytes",
  ),
  InvalidDigest: error(400, "The Content-MD5 or checksum value that you specified is not valid."),
  InvalidEncryptionAlgorithmError: error(
    400,
    "The encryption request that you specified is not valid. The valid value is AES256.",
  ),
  InvalidLocationConstraint: error(400, "The specified location-constraint is not valid."),
  InvalidObjectState: error(403, "The operation is not valid for the current state of the object."),
  InvalidPart: error(
    400,
    "One or more of the specified parts could not be found. The part might not have been uploaded, or the specified entity tag might not have matched the part's entity tag.",
  ),
  InvalidPartNumber: error(416, "The requested partnumber is not satisfiable"),
  InvalidPartOrder: error(
    400,
    "The list of parts was not in ascending order. The parts list must be specified in order by part number.",
  ),
  InvalidPolicyDocument: error(
    400,
    "The content of the form does not meet the conditions specified in the policy document.",
  ),
  InvalidRange: error(416, "The requested range is not satisfiable"),
  InvalidRedirectLocation: error(
    400,
    "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
  ),
  InvalidRequest: error(400, "Invalid Request"),
  InvalidRetentionPeriod: error(400, "The retention period must be a positive integer."),
  InvalidStorageClass: error(400, "The storage class you specified is not valid"),
  InvalidTag: error(
    400,
    "The tag provided was not a valid tag. This error can occur if the tag did not pass input validation.",
  ),
  InvalidToken: error(400, "The provided token is malformed or otherwise not valid."),
  InvalidURI: error(400, "Couldn't parse the specified URI."),
  "KMS.NotFoundException": error(400, "The KMS key that you named does not exist."),
  KeyTooLongError: error(400, "Your key is too long"),
  MalformedACLError: error(
    400,
    "The XML you provided was not well-formed or did not validate against our published schema",
  ),
  MalformedPOSTRequest: error(
    400,
    "The body of your POST request is not well-formed multipart/form-data.",
  ),
  MalformedPolicy: error(400, "This policy is not valid."),
  MalformedTrailerError: error(
    400,
    "The request contained trailing data that was not well-formed or did not conform to our published schema.",
  ),
  MalformedXML: error(
    400,
    "The XML you provided was not well-formed or did not validate against our published schema",
  ),
  MaxMessageLengthExceeded: error(400, "Your request was too big."),
  MaxPostPreDataLengthExceeded: error(
    400,
    "Your POST request fields preceding the upload file were too large.",
  ),
  MetadataTooLarge: error(400, "Your metadata headers exceed the maximum allowed metadata size"),
  MethodNotAllowed: error(405, "The specified method is not allowed against this resource."),
  MissingContentLength: error(411, "You must provide the Content-Length HTTP header."),
  MissingRequestBodyError: error(400, "Request body is empty."),
  MissingSecurityHeader: error(400, "Your request was missing a required header"),
  NoSuchBucket: error(404, "The specified bucket does not exist"),
  NoSuchBucketPolicy: error(404, "The bucket policy does not exist"),
  NoSuchCORSConfiguration: error(404, "The CORS configuration does not exist"),
  NoSuchConfiguration: error(404, "The specified configuration does not exist."),
  NoSuchKey: error(404, "The specified key does not exist."),
  NoSuchLifecycleConfiguration: error(404, "The lifecycle configuration does not exist"),
  NoSuchObjectLockConfiguration: error(
    404,
    "The specified object does not have a ObjectLock configuration",
  ),
  NoSuchPublicAccessBlockConfiguration: error(
    404,
    "The public access block configuration was not found",
  ),
  NoSuchTagSet: error(404, "The TagSet does not exist"),
  NoSuchUpload: error(
    404,
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
  ),
  NoSuchVersion: error(404, "The specified version does not exist."),
  NoSuchWebsiteConfiguration: error(
    404,
    "The specified bucket does not have a website configuration",
  ),
  NotImplemented: error(
    501,
    "A header or operation that you provided implies functionality that is not implemented",
  ),
  NotModified: error(304, "Not Modified"),
  ObjectLockConfigurationNotFoundError: error(
    404,
    "Object Lock configuration does not exist for this bucket",
  ),
  OperationAborted: error(
    409,
    "A conflicting conditional operation is currently in progress against this resource. Try again.",
  ),
  OwnershipControlsNotFoundError: error(404, "The bucket ownership controls were not found"),
  PermanentRedirect: error(
    301,
    "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
  ),
  PreconditionFailed: error(412, "At least one of the pre-conditions you specified did not hold"),
  QuotaExceeded: error(403, "The bucket would hold more bytes than its quota allows."),
  ReplicationConfigurationNotFoundError: error(404, "The replication configuration was not found"),
  RequestHeaderSectionTooLarge: error(
    400,
    "Your request header section exceeds the maximum allowed size.",
  ),
  RequestTimeTooSkewed: error(
    403,
    "The difference between the request time and the current time is too large.",
  ),
  RequestTimeout: error(
    400,
    "Your socket connection to the server was not read from or written to within the timeout period.",
  ),
  ServerSideEncryptionConfigurationNotFoundError: error(
    404,
    "The server side encryption configuration was not found",
  ),
  ServiceUnavailable: error(503, "Service is unable to handle request."),
  SignatureDoesNotMatch: error(
    403,
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
  ),
  SlowDown: error(503, "Please reduce your request rate."),
  TooManyBuckets: error(400, "You have attempted to create more buckets than allowed"),
  UnexpectedContent: error(400, "This request contains unsupported content."),
  UnresolvableGrantByEmailAddress: error(
    400,
    "The e-mail address you provided does not match any account on record.",
  ),
  XAmzContentSHA256Mismatch: error(
    400,
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
  ),
} as const satisfies Record<string, { readonly status: number; readonly message: string }>;
