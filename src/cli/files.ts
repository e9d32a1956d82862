import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { fromUtf8 } from '../bytes/text.ts';
import { StrongroomError, reasonOf } from '../errors.ts';
import type { Prehash } from '../keys/client.ts';
import { UsageError } from './output.ts';
import type { Output } from './output.ts';

/** What goes to the key process in one message, with room for what is around it. */
export const MOST_BYTES: number = (16 << 20) - (64 << 10);

const PIECE = 1 << 20;

function unreadable(path: string | undefined, error: unknown): UsageError {
  return new UsageError(`cannot read ${path ?? 'standard input'}: ${reasonOf(error)}`);
}

/** Tells the person at a terminal what the program waits for. */
function announce(path: string | undefined): void {
  if (path === undefined && process.stdin.isTTY) {
    process.stderr.write('reading standard input; Ctrl-D ends it\n');
  }
}

/** The bytes of a file, else of standard input. @throws {UsageError} */
export function readInput(path: string | undefined): Uint8Array {
  announce(path);
  try {
    if (path !== undefined) return readFileSync(path);
    const pieces: Uint8Array[] = [];
    for (let piece = readPiece(0); piece !== undefined; piece = readPiece(0)) pieces.push(piece);
    return Buffer.concat(pieces);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** As `readInput`, and no more than goes in one message. @throws {UsageError} */
export function readMessage(path: string | undefined, what: string): Uint8Array {
  const bytes = readInput(path);
  if (bytes.length <= MOST_BYTES) return bytes;
  throw new UsageError(`${what} takes ${MOST_BYTES} bytes at the most, not ${bytes.length}`);
}

/**
 * Data to be signed or verified: the bytes where they go in one message, else the digest of a file of
 * any size, which takes no memory.
 * @throws {UsageError} when they are too many for a scheme that needs all of them at once
 */
export function readToSign(
  path: string | undefined,
  prehash: Prehash | undefined,
): { readonly data: Uint8Array } | { readonly digest: Uint8Array } {
  announce(path);
  let file: number | undefined;
  try {
    file = path === undefined ? 0 : openSync(path, 'r');
    const pieces: Uint8Array[] = [];
    let length = 0;
    for (let piece = readPiece(file); piece !== undefined; piece = readPiece(file)) {
      pieces.push(piece);
      length += piece.length;
      if (length > MOST_BYTES) return { digest: hashRest(file, pieces, prehash) };
    }
    return { data: Buffer.concat(pieces, length) };
  } catch (error) {
    throw error instanceof StrongroomError ? error : unreadable(path, error);
  } finally {
    if (file !== undefined && file !== 0) closeSync(file);
  }
}

function hashRest(
  file: number,
  pieces: readonly Uint8Array[],
  prehash: Prehash | undefined,
): Uint8Array {
  if (prehash === undefined) {
    throw new UsageError(
      `a key of this type signs ${MOST_BYTES} bytes at the most`,
      'sign the digest of the data: sha256sum FILE | strongroom key sign NAME',
    );
  }
  const hash = createHash(prehash.hash);
  for (const piece of pieces) hash.update(piece);
  for (let piece = readPiece(file); piece !== undefined; piece = readPiece(file))
    hash.update(piece);
  return hash.digest();
}

/** The next bytes of a descriptor, `undefined` at its end. */
function readPiece(file: number): Uint8Array | undefined {
  const piece = Buffer.allocUnsafe(PIECE);
  for (;;) {
    try {
      const length = readSync(file, piece);
      return length === 0 ? undefined : piece.subarray(0, length);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EOF') return undefined;
      if (code !== 'EAGAIN') throw error;
      // A terminal or pipe that another program made non-blocking: look again a little later.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

/**
 * Writes a file in one step: whoever looks finds the old content or the new, never half of it. What
 * is no regular file (a pipe, `/dev/stdout`) is written to as it is.
 * @param secret whether its owner alone may read it
 * @throws {StrongroomError} OUTPUT_FAILED
 */
export function writeOutput(path: string, bytes: Uint8Array | string, secret: boolean): void {
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there !== undefined && !there.isFile()) {
      writeFileSync(path, bytes);
      return;
    }
    // A link is followed, as every program does that writes to one.
    const target = there === undefined ? path : realpathSync(path);
    const draft = `${target}.${randomBytes(6).toString('hex')}.new`;
    try {
      const file = openSync(draft, 'wx', secret ? 0o600 : 0o666);
      try {
        writeFileSync(file, bytes);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(draft, target);
    } catch (error) {
      rmSync(draft, { force: true });
      throw error;
    }
  } catch (error) {
    throw new StrongroomError('OUTPUT_FAILED', `cannot write ${path}: ${reasonOf(error)}`, {
      mend: 'name a file in a folder that you may write to',
    });
  }
}

/**
 * Bytes of a result to `--out FILE`, else to standard output: as they are, or as base64 in JSON and
 * on a terminal that could not show them.
 */
export function giveBytes(
  bytes: Uint8Array,
  name: string,
  to: { readonly out: string | undefined; readonly secret: boolean },
  output: Output,
): void {
  if (to.out !== undefined) {
    writeOutput(to.out, bytes, to.secret);
    if (output.json) output.result('', { out: to.out, bytes: bytes.length });
  } else if (output.json) {
    output.result('', { [name]: bytes.toBase64() });
  } else if (output.isTerminal && !isText(bytes)) {
    output.result(bytes.toBase64(), '');
    output.note('(base64, as this is a terminal; --out FILE writes the bytes)');
  } else {
    output.bytes(bytes);
  }
}

/** Whether a terminal shows these bytes and obeys none of them. */
function isText(bytes: Uint8Array): boolean {
  try {
    return !/[^\P{Cc}\n\t]/u.test(fromUtf8(bytes));
  } catch {
    return false;
  }
}
