/** Writes big-endian values into one growing buffer. */
export class Writer {
  #bytes: Uint8Array;
  #view: DataView;
  #at = 0;

  /** @param capacity bytes to start with; grows by doubling */
  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#at;
  }

  /** Makes room first, on a line of its own: growing replaces the memory that is written to. */
  #room(count: number): number {
    const at = this.#at;
    if (at + count > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, at + count));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#at = at + count;
    return at;
  }

  u8(value: number): this {
    const at = this.#room(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#room(2);
    this.#view.setUint16(at, value);
    return this;
  }

  u32(value: number): this {
    const at = this.#room(4);
    this.#view.setUint32(at, value);
    return this;
  }

  u64(value: bigint): this {
    const at = this.#room(8);
    this.#view.setBigUint64(at, value);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** A u32 length, then the bytes. */
  bytes32(value: Uint8Array): this {
    return this.u32(value.length).bytes(value);
  }

  /** Overwrites four bytes written before, for lengths known only afterwards. */
  patchU32(at: number, value: number): this {
    if (at + 4 > this.#at) throw new RangeError('patch beyond what was written');
    this.#view.setUint32(at, value);
    return this;
  }

  /** What was written, sharing memory with the writer: copy it if the writer goes on. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Forgets what was written and keeps the memory. */
  reset(): this {
    this.#at = 0;
    return this;
  }
}
