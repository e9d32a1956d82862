import { malformed } from './parse.ts';
import type { Id } from './parse.ts';

/** Data blobs hold pieces of files, tree blobs directories. */
export type BlobType = 'data' | 'tree';

/** Where a blob lies in its pack. */
export interface PackedBlob {
  readonly id: Id;
  readonly type: BlobType;
  /** Bytes from the beginning of the pack. */
  readonly offset: number;
  /** Bytes in the pack: IV, ciphertext and MAC. */
  readonly length: number;
  /** Bytes before compression; 0 when it is not compressed. */
  readonly plainLength: number;
}

/** IV and MAC around a ciphertext. */
export const SEAL_OVERHEAD = 32;
/** The u32 with the header's length at the end of a pack. */
export const TRAILER = 4;
/** What a pack has beside its blobs and their entries. */
export const HEADER_OVERHEAD: number = SEAL_OVERHEAD + TRAILER;
/** The largest sealed header that restic reads. */
export const MAX_HEADER: number = 16 * 1024 * 1024;

const ENTRY = 37;
const COMPRESSED_ENTRY = 41;

/** Bytes of a blob's entry in the header. */
export function entrySize(compressed: boolean): number {
  return compressed ? COMPRESSED_ENTRY : ENTRY;
}

/** The header of a pack, not yet sealed: an entry for each blob in order. */
export function encodeHeader(blobs: readonly PackedBlob[]): Uint8Array {
  const size = blobs.reduce((sum, blob) => sum + entrySize(blob.plainLength > 0), 0);
  const header = new Uint8Array(size);
  const view = new DataView(header.buffer);
  let at = 0;
  for (const blob of blobs) {
    const compressed = blob.plainLength > 0;
    view.setUint8(at, (blob.type === 'tree' ? 1 : 0) + (compressed ? 2 : 0));
    view.setUint32(at + 1, blob.length, true);
    if (compressed) view.setUint32(at + 5, blob.plainLength, true);
    header.set(Uint8Array.fromHex(blob.id), at + (compressed ? 9 : 5));
    at += entrySize(compressed);
  }
  return header;
}

/**
 * The blobs of an opened header.
 * @param dataLength bytes of the pack before the header, which the blobs must fill
 * @throws {BackupError} BACKUP_MALFORMED
 */
export function decodeHeader(header: Uint8Array, dataLength: number): PackedBlob[] {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const blobs: PackedBlob[] = [];
  let at = 0;
  let offset = 0;
  while (at < header.length) {
    const kind = view.getUint8(at);
    if (kind > 3) throw malformed('the header of a pack', 'a blob is of an unknown type');
    const compressed = kind >= 2;
    const size = entrySize(compressed);
    if (at + size > header.length) throw malformed('the header of a pack', 'it ends in an entry');
    const length = view.getUint32(at + 1, true);
    const plainLength = compressed ? view.getUint32(at + 5, true) : 0;
    if (length < SEAL_OVERHEAD || (compressed && plainLength === 0)) {
      throw malformed('the header of a pack', 'the length of a blob is impossible');
    }
    blobs.push({
      id: header.subarray(at + size - 32, at + size).toHex(),
      type: kind % 2 === 1 ? 'tree' : 'data',
      offset,
      length,
      plainLength,
    });
    offset += length;
    at += size;
  }
  if (offset !== dataLength) {
    throw malformed('the header of a pack', 'its blobs do not fill the pack');
  }
  return blobs;
}
