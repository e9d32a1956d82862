import { StrongroomError } from '../errors.ts';

/** The bytes end before the value does, or a length in them is larger than what is allowed. */
export class BytesError extends StrongroomError {
  constructor(message: string) {
    super('BYTES_MALFORMED', message, { duty: 'peer' });
  }
}

/**
 * Reads big-endian values from untrusted bytes. Every length is checked before anything is
 * allocated or sliced; slices share memory with the input.
 * @throws {BytesError} from every method when fewer bytes are left than asked for
 */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get offset(): number {
    return this.#at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  #take(count: number): number {
    if (count > this.left) throw new BytesError(`${count} bytes wanted, ${this.left} left`);
    const at = this.#at;
    this.#at += count;
    return at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  /** The next `count` bytes, sharing memory with the input. */
  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** A u32 length of at most `limit`, and that many bytes. */
  bytes32(limit: number): Uint8Array {
    const length = this.u32();
    if (length > limit) throw new BytesError(`a length of ${length} is over the limit of ${limit}`);
    return this.bytes(length);
  }

  rest(): Uint8Array {
    return this.bytes(this.left);
  }

  end(): void {
    if (this.left !== 0) throw new BytesError(`${this.left} bytes too many`);
  }
}
