import { constants, zstdCompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { ZstdOptions } from 'node:zlib';
import { BackupError } from '../errors.ts';

/** How hard zstd tries; restic's names. `off` stores data blobs as they are, never trees. */
export type Compression = 'off' | 'auto' | 'max';

const LEVELS: Readonly<Record<Compression, number>> = { off: 3, auto: 3, max: 19 };

/** Smaller inputs are compressed at once: handing them to another thread costs more. */
const SMALL = 16 * 1024;

function options(length: number, compression: Compression): ZstdOptions {
  return {
    // ZSTD_COMPRESSBOUND: one output buffer, never grown.
    chunkSize: Math.max(64, length + Math.ceil(length / 256) + 64),
    pledgedSrcSize: length,
    params: { [constants.ZSTD_c_compressionLevel]: LEVELS[compression] },
  };
}

/** One zstd frame (RFC 8878) that names its content's size. */
export function compressSync(plain: Uint8Array, compression: Compression = 'auto'): Uint8Array {
  return zstdCompressSync(plain, options(plain.length, compression));
}

/** `compressSync` on another thread when there is enough to do. */
export function compress(
  plain: Uint8Array,
  compression: Compression = 'auto',
): Uint8Array | Promise<Uint8Array> {
  if (plain.length < SMALL) return compressSync(plain, compression);
  return new Promise((resolve, reject) => {
    zstdCompress(plain, options(plain.length, compression), (error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
}

/**
 * What was compressed, when it is exactly `length` bytes.
 * @returns `undefined` when it is not zstd, or has another length: no more than `length` bytes are
 * ever made of it
 */
export function decompress(compressed: Uint8Array, length: number): Uint8Array | undefined {
  try {
    const plain = zstdDecompressSync(compressed, {
      chunkSize: Math.max(64, length),
      maxOutputLength: Math.max(1, length),
      rejectGarbageAfterEnd: true,
    });
    return plain.length === length ? plain : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What was compressed, when it is at most `limit` bytes.
 * @throws {BackupError} BACKUP_MALFORMED
 */
export function decompressWithin(compressed: Uint8Array, limit: number): Uint8Array {
  try {
    return zstdDecompressSync(compressed, { maxOutputLength: limit });
  } catch (error) {
    throw new BackupError('BACKUP_MALFORMED', 'this is no zstd, or more than is allowed', {
      duty: 'peer',
      cause: error,
    });
  }
}
