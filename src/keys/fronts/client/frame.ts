import { BytesError, Reader } from '../../../bytes/reader.ts';
import { fromUtf8, utf8 } from '../../../bytes/text.ts';
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
  const writer = new Writer(4 + length).u32(length).bytes32(json);
  // Straight to their place: a copy on the way would be one more to wipe.
  for (const blob of blobs) writer.bytes(blob);
  return writer.finish();
}

/**
 * The value of a frame, without the length in front. Its bytes are copies: the frame can be wiped.
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
      const end = (offset as number) + (length as number);
      return new Uint8Array(blobs.subarray(offset as number, end));
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

/**
 * Cuts a stream into frames. Holds at most one frame of at most `limit` bytes in memory that grows
 * with what has come, not with what a length promises; each byte is copied a few times at the most,
 * however small the pieces are.
 */
export class FrameSplitter {
  readonly #limit: number;
  #held: Uint8Array = new Uint8Array();
  #length = 0;

  constructor(limit: number = MAX_FRAME) {
    this.#limit = limit;
  }

  /**
   * Takes the next bytes of the stream.
   * @returns the bodies of the frames that are whole now, in memory that is theirs to wipe
   * @throws {BytesError} when a length is over the limit: the stream is lost
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const frames: Uint8Array[] = [];
    // A plain view: a Buffer's own slice shares memory, an array's copies.
    let rest: Uint8Array = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    while (rest.length > 0) {
      if (this.#length === 0) {
        const end = this.#endOf(rest);
        if (end !== undefined && end <= rest.length) {
          frames.push(rest.subarray(4, end));
          rest = rest.subarray(end);
          continue;
        }
      }
      const wanted = this.#endOf(this.#held.subarray(0, this.#length)) ?? 4;
      const taken = rest.subarray(0, wanted - this.#length);
      this.#hold(taken);
      rest = rest.subarray(taken.length);
      const end = this.#endOf(this.#held.subarray(0, this.#length));
      if (end !== this.#length) continue;
      frames.push(this.#held.subarray(4, end));
      this.#held = new Uint8Array();
      this.#length = 0;
    }
    return frames;
  }

  /** Where the frame at the beginning of `bytes` ends, once four bytes tell it. */
  #endOf(bytes: Uint8Array): number | undefined {
    if (bytes.length < 4) return undefined;
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    if (length > this.#limit) throw new BytesError(`a message of ${length} bytes is too long`);
    return 4 + length;
  }

  #hold(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#held.length) {
      const grown = new Uint8Array(Math.max(256, 2 * (this.#length + bytes.length)));
      grown.set(this.#held.subarray(0, this.#length));
      this.#held.fill(0);
      this.#held = grown;
    }
    this.#held.set(bytes, this.#length);
    this.#length += bytes.length;
  }
}
