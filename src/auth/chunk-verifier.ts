// The signature chain of a signed aws-chunked body: each chunk's signature covers its bytes and the signature before.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html

export interface ChunkVerifier {
  /**
   * Checks the next chunk, the final empty one included. `sha256Hex` is the hash of the chunk's data.
   * @throws S3Error SignatureDoesNotMatch
   */
  verifyChunk(sha256Hex: string, signatureHex: string): void;
  /**
   * Checks the trailer after the final chunk. `sha256Hex` hashes the canonical trailers (`name:value\n` each).
   * @throws S3Error SignatureDoesNotMatch
   */
  verifyTrailer(sha256Hex: string, signatureHex: string): void;
}
