import type { CallShape } from './signatures.ts';
import { ERROR_HEAD } from './signatures.ts';

const HEADER = 12;
const UNAVAILABLE_HALF = 0xffff_ffff;

/**
 * Writes replies behind each other into one buffer, so that all answers to one readable event leave
 * in one write. A reply that fails half way is rewound and becomes an error.
 */
export class ReplyWriter {
  readonly #memory: Buffer;
  #bytes: Buffer;
  #at = 0;
  /** Where the reply under way begins. */
  #start = 0;

  /** @param memory where replies are written; longer ones get memory of their own */
  constructor(memory: Uint8Array) {
    this.#memory = Buffer.from(memory.buffer, memory.byteOffset, memory.length);
    this.#bytes = this.#memory;
  }

  /** Whether what is written stands in the memory that the writer was given. */
  get usual(): boolean {
    return this.#bytes === this.#memory;
  }

  get length(): number {
    return this.#at;
  }

  #room(count: number): number {
    const at = this.#at;
    const end = at + count;
    if (end > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, end));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
    }
    this.#at = end;
    return at;
  }

  /** Opens a reply to the request with this call code: frame header without its length, and head. */
  begin(code: number, shape: CallShape): void {
    this.#begin(code, shape.replyHead);
  }

  #begin(code: number, head: Uint8Array): void {
    this.#start = this.#at;
    this.u32(code);
    this.u32(0);
    this.u32(0);
    const at = this.#room(head.length);
    const bytes = this.#bytes;
    for (let index = 0; index < head.length; index++) bytes[at + index] = head[index] as number;
  }

  /** Closes the reply: its length is known now. */
  end(): void {
    this.#bytes.writeUInt32BE(this.#at - this.#start - HEADER, this.#start + 8);
  }

  /** Forgets the reply under way. */
  rewind(): void {
    this.#at = this.#start;
  }

  /** A whole error reply. */
  error(code: number, returnValue: number): void {
    this.#begin(code, ERROR_HEAD);
    this.ulong(returnValue);
    this.end();
    this.#start = this.#at;
  }

  byte(value: number): void {
    this.#bytes[this.#room(1)] = value;
  }

  u32(value: number): void {
    const at = this.#room(4);
    const bytes = this.#bytes;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
  }

  /** `u`; -1 becomes CK_UNAVAILABLE_INFORMATION. */
  ulong(value: number): void {
    if (value < 0) {
      this.u32(UNAVAILABLE_HALF);
      this.u32(UNAVAILABLE_HALF);
      return;
    }
    this.u32(Math.floor(value / 0x1_0000_0000));
    this.u32(value % 0x1_0000_0000);
  }

  /** A u32 length and the bytes. */
  array(value: Uint8Array): void {
    this.u32(value.length);
    this.#bytes.set(value, this.#room(value.length));
  }

  nullArray(): void {
    this.u32(UNAVAILABLE_HALF);
  }

  /** `ay` with its bytes. */
  byteArray(value: Uint8Array): void {
    this.byte(1);
    this.array(value);
  }

  /** `ay` or `au` that tells only how long it would be. */
  lengthOnly(length: number): void {
    this.byte(0);
    this.u32(length);
  }

  /** `au` */
  ulongArray(values: readonly number[]): void {
    this.byte(1);
    this.u32(values.length);
    for (const value of values) this.ulong(value);
  }

  /** `s`: ASCII, cut and padded with spaces. */
  padded(text: string, length: number): void {
    this.u32(length);
    const at = this.#room(length);
    this.#bytes.fill(0x20, at, at + length);
    const utf8 = Buffer.from(text, 'utf8').subarray(0, length);
    this.#bytes.set(utf8, at);
  }

  /** `v` */
  version(major: number, minor: number): void {
    this.byte(major);
    this.byte(minor);
  }

  /** A copy of what is written, from one place on. */
  copyFrom(start: number): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(start, this.#at));
  }

  /** Starts over, and wipes what was written: it may have been decrypted. */
  clear(): void {
    this.#bytes.fill(0, 0, this.#at);
    this.#bytes = this.#memory;
    this.#at = 0;
    this.#start = 0;
  }
}
