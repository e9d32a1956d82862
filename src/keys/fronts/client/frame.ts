import { BytesError, Reader } from '../../../bytes/reader.ts';
import { concat, fromUtf8, utf8 } from '../../../bytes/text.ts';
import { Writer } from '../../../bytes/writer.ts';

/**
 * The strongroom's own protocol on `keys.sock`: a frame is a u32 length and that many bytes; they
 * are a u32 length of JSON, the JSON, and the binary values behind each other. In the JSON a binary
 * value stands as `{"$b":[offset,length]}` and a map as `{"$m":[[key,value],…]}`.
 */
export const MAX_FRAME: number = 16 << 20;

/** Plain data that a frame can carry. */
export type FrameValue =
  | null
  | boolean
  | number
  | string
  | undefined
  | Uint8Array
  | readonly FrameValue[]
  | ReadonlyMap<number, FrameValue>
  | { readonly [name: string]: FrameValue };

const MAX_DEPTH = 12;

/** One frame, its length in front. */
export function encodeFrame(value: FrameValue): Uint8Array {
  const blobs: Uint8Array[] = [];
  let at = 0;
  const place = (each: FrameValue): unknown => {
    if (each instanceof Uint8Array) {
      const reference = { $b: [at, each.length] };
      blobs.push(each);
      at += each.length;
      return reference;
    }
    if (each instanceof Map) {
      return { $m: [...each].map(([key, inner]) => [key, place(inner as FrameValue)]) };
    }
    if (Array.isArray(each)) return each.map((inner: FrameValue) => place(inner));
    if (typeof each === 'object' && each !== null) {
      return Object.fromEntries(
        Object.entries(each).map(([name, inner]) => [name, place(inner as FrameValue)]),
      );
    }
    return each;
  };
  const json = utf8(JSON.stringify(place(value)));
  const length = 4 + json.length + at;
  if (length > MAX_FRAME) throw new BytesError(`a message of ${length} bytes is too long`);
  return new Writer(4 + length)
    .u32(length)
    .bytes32(json)
    .bytes(concat(...blobs))
    .finish();
}

/**
 * The value of a frame, without the length in front.
 * @throws {BytesError} when it is malformed
 */
export function decodeFrame(bytes: Uint8Array): FrameValue {
  const reader = new Reader(bytes);
  const json = reader.bytes32(MAX_FRAME);
  const blobs = reader.rest();
  let parsed: unknown;
  try {
    parsed = JSON.parse(fromUtf8(json));
  } catch {
    throw new BytesError('a message is not JSON');
  }
  return revive(parsed, blobs, 0);
}

function revive(value: unknown, blobs: Uint8Array, depth: number): FrameValue {
  if (depth > MAX_DEPTH) throw new BytesError('a message is nested too deeply');
  if (Array.isArray(value)) return value.map((each) => revive(each, blobs, depth + 1));
  if (typeof value === 'object' && value !== null) {
    if ('$b' in value) return blobAt(value.$b, blobs);
    if ('$m' in value) return mapOf(value.$m, blobs, depth);
    const revived: Record<string, FrameValue> = Object.create(null) as Record<string, FrameValue>;
    for (const [name, inner] of Object.entries(value)) {
      revived[name] = revive(inner, blobs, depth + 1);
    }
    return revived;
  }
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number') return value;
  throw new BytesError('a message holds an unknown kind of value');
}

function blobAt(reference: unknown, blobs: Uint8Array): Uint8Array {
  if (Array.isArray(reference) && reference.length === 2) {
    const [offset, length] = reference as readonly unknown[];
    if (
      Number.isSafeInteger(offset) &&
      Number.isSafeInteger(length) &&
      (offset as number) >= 0 &&
      (length as number) >= 0 &&
      (offset as number) + (length as number) <= blobs.length
    ) {
      return blobs.subarray(offset as number, (offset as number) + (length as number));
    }
  }
  throw new BytesError('a message refers to bytes that it does not hold');
}

function mapOf(
  entries: unknown,
  blobs: Uint8Array,
  depth: number,
): ReadonlyMap<number, FrameValue> {
  if (!Array.isArray(entries)) throw new BytesError('a message holds a malformed map');
  const map = new Map<number, FrameValue>();
  for (const entry of entries as readonly unknown[]) {
    if (!Array.isArray(entry) || entry.length !== 2 || !Number.isSafeInteger(entry[0])) {
      throw new BytesError('a message holds a malformed map');
    }
    map.set(entry[0] as number, revive(entry[1], blobs, depth + 1));
  }
  return map;
}

/** Cuts a stream into frames. Holds at most one frame of at most `limit` bytes. */
export class FrameSplitter {
  readonly #limit: number;
  #pending: Uint8Array = new Uint8Array();

  constructor(limit: number = MAX_FRAME) {
    this.#limit = limit;
  }

  /**
   * Takes the next bytes of the stream.
   * @returns the bodies of the frames that are whole now
   * @throws {BytesError} when a length is over the limit: the stream is lost
   */
  push(chunk: Uint8Array): Uint8Array[] {
    // A plain view where nothing is pending: a Buffer's own slice shares memory, an array's copies.
    let bytes: Uint8Array =
      this.#pending.length === 0
        ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)
        : concat(this.#pending, chunk);
    const frames: Uint8Array[] = [];
    while (bytes.length >= 4) {
      const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
      if (length > this.#limit) throw new BytesError(`a message of ${length} bytes is too long`);
      if (bytes.length < 4 + length) break;
      frames.push(bytes.subarray(4, 4 + length));
      bytes = bytes.subarray(4 + length);
    }
    this.#pending = new Uint8Array(bytes);
    return frames;
  }
}
