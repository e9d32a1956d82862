import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** The files of a store. */
export interface StoreFiles {
  readonly database: string;
  /** SQLite's write-ahead log: commits that are not folded into the database yet. */
  readonly log: string;
  readonly anchor: string;
  /** Where a store that was not closed is looked through before SQLite may touch it. */
  readonly trial: string;
  /** What SQLite would read and this program never leaves behind. */
  readonly foreign: readonly string[];
}

export function filesOf(folder: string): StoreFiles {
  const database = join(folder, 'store.db');
  return {
    database,
    log: `${database}-wal`,
    anchor: join(folder, 'anchor'),
    trial: join(folder, 'trial.db'),
    foreign: [`${database}-journal`, `${database}-shm`],
  };
}

const CHUNK = 1 << 18;

/** SHA-256 over the beginning of a file that grows, continued where it stopped. */
export class FileDigest {
  readonly #path: string;
  readonly #hash: Hash = createHash('sha256');
  #length = 0;

  constructor(path: string) {
    this.#path = path;
  }

  get length(): number {
    return this.#length;
  }

  get digest(): Uint8Array {
    return this.#hash.copy().digest();
  }

  /** Goes on to `end`, or as far as the file goes. */
  extendTo(end: number): void {
    if (end <= this.#length) return;
    const file = openSync(this.#path, 'r');
    try {
      const chunk = new Uint8Array(Math.min(CHUNK, end - this.#length));
      while (this.#length < end) {
        const wanted = Math.min(chunk.length, end - this.#length);
        const count = readSync(file, chunk, 0, wanted, this.#length);
        if (count === 0) break;
        this.#hash.update(chunk.subarray(0, count));
        this.#length += count;
      }
    } finally {
      closeSync(file);
    }
  }
}

/** Length of a file; 0 where there is none. */
export function lengthOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** SHA-256 of a whole file. */
export function digestOfFile(path: string): Uint8Array {
  const whole = new FileDigest(path);
  whole.extendTo(lengthOf(path));
  return whole.digest;
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}
