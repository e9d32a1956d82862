import { BytesError } from '../../../../bytes/reader.ts';
import { CALL_SHAPES } from './signatures.ts';
import type { CallShape } from './signatures.ts';

/** The longest array that the protocol itself can write; longer lengths are malformed. */
const MAX_ARRAY = 0x7fff_ffff;
const NULL_ARRAY = 0xffff_ffff;
/** 2^21: the high half of a u64 that a JavaScript number still holds exactly. */
const EXACT_HIGH = 0x20_0000;

/** Room that a client has for an answer. */
export interface Room {
  /** `true` when it asks for the length only (its buffer is a null pointer). */
  readonly query: boolean;
  readonly size: number;
}

/**
 * Reads the arguments of one request where they lie. One reader serves a connection for its life:
 * nothing is allocated for numbers, and byte arrays share memory with the frame.
 * @throws {BytesError} from every method when the bytes end early or are malformed
 */
export class RequestReader {
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;
  #end = 0;

  /** Points the reader at the body of a frame. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  /** The call number and its signature, which must be the one of the table. */
  call(): CallShape {
    const shape = CALL_SHAPES[this.u32()];
    if (shape === undefined) throw new BytesError('there is no such call');
    const { request } = shape;
    const length = this.u32();
    const at = this.#take(length);
    let same = length === request.length;
    for (let index = 0; same && index < length; index++) {
      same = this.#bytes[at + index] === request[index];
    }
    if (!same) throw new BytesError('the signature of the call is another');
    return shape;
  }

  /** Copies the arguments: for calls that hold on to them when the frame's memory is used again. */
  keep(): void {
    this.#bytes = this.#bytes.slice(this.#at, this.#end);
    this.#end -= this.#at;
    this.#at = 0;
  }

  /** A place to come back to. */
  mark(): number {
    return this.#at;
  }

  backTo(mark: number): void {
    this.#at = mark;
  }

  /** The arguments must end here. */
  end(): void {
    if (this.#at !== this.#end) throw new BytesError('the call has more bytes than arguments');
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#end - at) throw new BytesError('the call ends early');
    this.#at = at + count;
    return at;
  }

  /** `y` */
  byte(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  u32(): number {
    const at = this.#take(4);
    const bytes = this.#bytes;
    return (
      (((bytes[at] as number) << 24) |
        ((bytes[at + 1] as number) << 16) |
        ((bytes[at + 2] as number) << 8) |
        (bytes[at + 3] as number)) >>>
      0
    );
  }

  /**
   * `u`: CK_UNAVAILABLE_INFORMATION (all ones) comes as -1; a number beyond 2^53, which nothing
   * here has, as NaN: it equals no handle and fits no attribute.
   */
  ulong(): number {
    const high = this.u32();
    const low = this.u32();
    if (high === 0) return low;
    if (high === NULL_ARRAY && low === NULL_ARRAY) return -1;
    return high < EXACT_HIGH ? high * 0x1_0000_0000 + low : Number.NaN;
  }

  /** A u32 length and that many bytes; `undefined` for the null array. */
  array(): Uint8Array | undefined {
    const length = this.u32();
    if (length === NULL_ARRAY) return undefined;
    if (length >= MAX_ARRAY) throw new BytesError('an array is too long');
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** `ay`: `undefined` for a null pointer with a length behind it. */
  byteArray(): Uint8Array | undefined {
    if (this.byte() !== 0) return this.array() ?? new Uint8Array();
    this.u32();
    return undefined;
  }

  /**
   * `fy` and `fu`: how much the client has room for. A null pointer travels as 0, and so does a
   * buffer of size 0 from clients of protocol version 0; later ones send all ones for it.
   */
  room(): Room {
    const size = this.u32();
    return size === NULL_ARRAY ? { query: false, size: 0 } : { query: size === 0, size };
  }

  /** `z` */
  text(): Uint8Array {
    return this.array() ?? new Uint8Array();
  }
}
