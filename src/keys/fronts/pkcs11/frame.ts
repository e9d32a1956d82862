import { BytesError } from '../../../bytes/reader.ts';

/**
 * Frames of the p11-kit RPC protocol: call code, length of the options, length of the body (u32
 * big-endian each), options (ignored: 0.24.1 puts a name there), body. A reply repeats the call
 * code; several calls may be under way on one connection.
 */
const HEADER = 12;
/** One call with its data: C_EncryptUpdate and its like are told to send smaller parts. */
export const MAX_BODY: number = 1 << 20;
const MAX_OPTIONS = 4096;

/** Takes one whole frame: its call code and where its body lies. */
export type OnFrame = (code: number, bytes: Uint8Array, start: number, end: number) => void;

function u32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}

/** Length of the whole frame that begins at `at`. @throws {BytesError} when it is over a limit */
function lengthOf(bytes: Uint8Array, at: number): number {
  const options = u32(bytes, at + 4);
  const body = u32(bytes, at + 8);
  if (options > MAX_OPTIONS) throw new BytesError('the options of a frame are too long');
  if (body > MAX_BODY) throw new BytesError('the body of a frame is too long');
  return HEADER + options + body;
}

function emit(bytes: Uint8Array, at: number, length: number, onFrame: OnFrame): void {
  onFrame(u32(bytes, at), bytes, at + HEADER + u32(bytes, at + 4), at + length);
}

/** Torn frames up to this length are put together in memory that is used again. */
const SMALL = 1024;

/**
 * Cuts a byte stream into frames. Frames that lie whole in a chunk are handed out where they are;
 * only one that is torn is copied: most clients write header, options and body apart.
 */
export class FrameCutter {
  /** A frame that has begun: its header first, then the whole of it. */
  #torn: Uint8Array;
  readonly #small = new Uint8Array(SMALL);
  #filled = 0;
  /** Length of the torn frame, once its header is there; 0 before. */
  #length = 0;

  constructor() {
    this.#torn = this.#small;
  }

  /** Whether a frame has begun that has not ended. */
  get half(): boolean {
    return this.#filled > 0;
  }

  /**
   * Takes the bytes from `at` to `end`. Frames are handed out before it returns; their memory is
   * used again after it.
   * @throws {BytesError} when a length is over its limit; the stream is then useless
   */
  push(bytes: Uint8Array, at: number, end: number, onFrame: OnFrame): void {
    let next = this.#filled > 0 ? this.#mend(bytes, at, end, onFrame) : at;
    while (end - next >= HEADER) {
      const length = lengthOf(bytes, next);
      if (length > end - next) break;
      emit(bytes, next, length, onFrame);
      next += length;
    }
    if (next < end) this.#mend(bytes, next, end, onFrame);
  }

  /** Begins a torn frame or goes on with it; returns where the next one begins. */
  #mend(bytes: Uint8Array, at: number, end: number, onFrame: OnFrame): number {
    let next = at;
    if (this.#length === 0) {
      next = this.#fill(bytes, at, end, HEADER);
      if (this.#filled < HEADER) return next;
      this.#length = lengthOf(this.#torn, 0);
      if (this.#length > SMALL) {
        this.#torn = new Uint8Array(this.#length);
        this.#torn.set(this.#small.subarray(0, HEADER));
      }
    }
    next = this.#fill(bytes, next, end, this.#length);
    if (this.#filled < this.#length) return next;
    const whole = this.#torn;
    const length = this.#length;
    this.#torn = this.#small;
    this.#filled = 0;
    this.#length = 0;
    try {
      emit(whole, 0, length, onFrame);
    } finally {
      // A PIN may have been in it.
      whole.fill(0, 0, length);
    }
    return next;
  }

  /** Copies until `wanted` bytes of the frame are there, or no more come. */
  #fill(bytes: Uint8Array, at: number, end: number, wanted: number): number {
    const count = Math.min(wanted - this.#filled, end - at);
    this.#torn.set(bytes.subarray(at, at + count), this.#filled);
    this.#filled += count;
    return at + count;
  }
}
