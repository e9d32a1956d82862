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

/**
 * Cuts a byte stream into frames. Frames that lie whole in a chunk are handed out where they are;
 * only one that is torn is copied, into memory of its own length.
 */
export class FrameCutter {
  readonly #header = new Uint8Array(HEADER);
  /** The torn frame: its header first, then the whole of it. */
  #torn: Uint8Array | undefined;
  #filled = 0;

  /** Whether a frame has begun that has not ended. */
  get half(): boolean {
    return this.#filled > 0;
  }

  /** @throws {BytesError} when a length is over its limit; the stream is then useless */
  push(chunk: Uint8Array, onFrame: OnFrame): void {
    let at = 0;
    if (this.#filled > 0) at = this.#mend(chunk, onFrame);
    while (chunk.length - at >= HEADER) {
      const length = lengthOf(chunk, at);
      if (length > chunk.length - at) break;
      emit(chunk, at, length, onFrame);
      at += length;
    }
    if (at < chunk.length) this.#tear(chunk, at);
  }

  /** Begins a torn frame with what is left of a chunk. */
  #tear(chunk: Uint8Array, at: number): void {
    const left = chunk.length - at;
    if (left < HEADER) {
      this.#header.set(chunk.subarray(at));
    } else {
      this.#torn = new Uint8Array(lengthOf(chunk, at));
      this.#torn.set(chunk.subarray(at));
    }
    this.#filled = left;
  }

  /** Goes on with a torn frame; returns where in the chunk the next one begins. */
  #mend(chunk: Uint8Array, onFrame: OnFrame): number {
    let at = 0;
    if (this.#torn === undefined) {
      at = Math.min(HEADER - this.#filled, chunk.length);
      this.#header.set(chunk.subarray(0, at), this.#filled);
      this.#filled += at;
      if (this.#filled < HEADER) return at;
      this.#torn = new Uint8Array(lengthOf(this.#header, 0));
      this.#torn.set(this.#header);
    }
    const torn = this.#torn;
    const count = Math.min(torn.length - this.#filled, chunk.length - at);
    torn.set(chunk.subarray(at, at + count), this.#filled);
    this.#filled += count;
    if (this.#filled === torn.length) {
      this.#torn = undefined;
      this.#filled = 0;
      emit(torn, 0, torn.length, onFrame);
    }
    return at + count;
  }
}
