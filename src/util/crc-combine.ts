// The CRC of a whole from the CRCs of its parts and their lengths, without the bytes: what CompleteMultipartUpload
// answers for FULL_OBJECT checksums. Appending n zero bytes to a message is a linear map of its CRC over GF(2); that
// map, for n a power of two, is a matrix that is squared from the one before, so that a part costs a few dozen
// matrix-by-vector products. A CRC is held as words of 32 bits, the lowest first.

export type CombinableCrc = "CRC32" | "CRC32C" | "CRC64NVME";

export interface CrcPart {
  /** Base64, as S3 shows it. */
  readonly value: string;
  readonly sizeBytes: number;
}

interface CrcShape {
  readonly bytes: 4 | 8;
  /** Bit-reversed polynomial. */
  readonly polynomial: bigint;
}

const SHAPES: Readonly<Record<CombinableCrc, CrcShape>> = {
  CRC32: { bytes: 4, polynomial: 0xedb88320n },
  CRC32C: { bytes: 4, polynomial: 0x82f63b78n },
  CRC64NVME: { bytes: 8, polynomial: 0x9a6c9329ac4bc9b5n },
};

export function isCombinable(algorithm: string): algorithm is CombinableCrc {
  return Object.hasOwn(SHAPES, algorithm);
}

/** One column a bit: `low[i]` and `high[i]` are what bit i of a CRC becomes. */
interface BitMatrix {
  readonly low: Int32Array;
  readonly high: Int32Array;
}

interface Crc {
  low: number;
  high: number;
}

/** A size has at most 53 bits: one matrix for each. */
const shiftsByAlgorithm = new Map<CombinableCrc, BitMatrix[]>();

/**
 * The CRC (base64) of the parts one after another.
 * @throws RangeError when a value is not a CRC of that algorithm.
 */
export function combineCrc(algorithm: CombinableCrc, parts: readonly CrcPart[]): string {
  const { bytes } = SHAPES[algorithm];
  const whole: Crc = { low: 0, high: 0 };
  for (const part of parts) {
    shiftBy(algorithm, whole, part.sizeBytes);
    const next = parseCrc(part.value, bytes);
    whole.low ^= next.low;
    whole.high ^= next.high;
  }
  return renderCrc(whole, bytes);
}

/** Turns the CRC of a message into its share of the CRC of that message followed by `sizeBytes` more. */
function shiftBy(algorithm: CombinableCrc, crc: Crc, sizeBytes: number): void {
  let rest = sizeBytes;
  for (let power = 0; rest > 0; power += 1) {
    if (rest % 2 === 1) multiply(shiftMatrix(algorithm, power), crc);
    rest = Math.floor(rest / 2);
  }
}

/** The map of appending 2^power zero bytes. */
function shiftMatrix(algorithm: CombinableCrc, power: number): BitMatrix {
  let known = shiftsByAlgorithm.get(algorithm);
  if (known === undefined) {
    known = [oneByteMatrix(SHAPES[algorithm])];
    shiftsByAlgorithm.set(algorithm, known);
  }
  for (;;) {
    const matrix = known[power];
    if (matrix !== undefined) return matrix;
    const last = known.at(-1);
    if (last === undefined) throw new Error("the first matrix is always there");
    known.push(square(last));
  }
}

function oneByteMatrix({ bytes, polynomial }: CrcShape): BitMatrix {
  const matrix = emptyMatrix(bytes * 8);
  for (let bit = 0; bit < bytes * 8; bit += 1) {
    let value = 1n << BigInt(bit);
    for (let step = 0; step < 8; step += 1) value = (value >> 1n) ^ (value & 1n ? polynomial : 0n);
    matrix.low[bit] = Number(BigInt.asIntN(32, value));
    matrix.high[bit] = Number(BigInt.asIntN(32, value >> 32n));
  }
  return matrix;
}

function square(matrix: BitMatrix): BitMatrix {
  const result = emptyMatrix(matrix.low.length);
  for (let bit = 0; bit < matrix.low.length; bit += 1) {
    const column: Crc = { low: matrix.low[bit] ?? 0, high: matrix.high[bit] ?? 0 };
    multiply(matrix, column);
    result.low[bit] = column.low;
    result.high[bit] = column.high;
  }
  return result;
}

function multiply(matrix: BitMatrix, crc: Crc): void {
  let low = 0;
  let high = 0;
  for (let bit = 0; bit < matrix.low.length; bit += 1) {
    const word = bit < 32 ? crc.low : crc.high;
    if (((word >>> (bit & 31)) & 1) === 0) continue;
    low ^= matrix.low[bit] ?? 0;
    high ^= matrix.high[bit] ?? 0;
  }
  crc.low = low;
  crc.high = high;
}

function emptyMatrix(bits: number): BitMatrix {
  return { low: new Int32Array(bits), high: new Int32Array(bits) };
}

function parseCrc(value: string, bytes: 4 | 8): Crc {
  const decoded = Buffer.from(value, "base64");
  if (decoded.length !== bytes) throw new RangeError(`a CRC of ${bytes} bytes, not ${value}`);
  return bytes === 4
    ? { low: decoded.readInt32BE(0), high: 0 }
    : { low: decoded.readInt32BE(4), high: decoded.readInt32BE(0) };
}

function renderCrc(crc: Crc, bytes: 4 | 8): string {
  const encoded = Buffer.alloc(bytes);
  if (bytes === 8) encoded.writeInt32BE(crc.high, 0);
  encoded.writeInt32BE(crc.low, bytes - 4);
  return encoded.toString("base64");
}
