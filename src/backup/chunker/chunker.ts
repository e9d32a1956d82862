import { MAX_CHUNK, MIN_CHUNK, WINDOW, chunkerTables } from './tables.ts';
import type { ChunkerTables } from './tables.ts';

/** Finds where a chunk ends. */
export interface Chunker {
  /**
   * @param bytes the chunk from its first byte on; at most `MAX_CHUNK` of them are looked at
   * @returns the length of the chunk, or -1 when it does not end within these bytes: give at least
   * `MAX_CHUNK` bytes, or all that the file has left, and take all of them for the last chunk then
   */
  cut(bytes: Uint8Array): number;
}

/** A cut is where these low bits of the hash are all zero: one byte in 2^20 on average. */
const MASK = 0xf_ffff;

/**
 * restic's chunker: a Rabin fingerprint over 64 bytes modulo the polynomial of the repository, cut
 * where its low 20 bits are zero, between 512 KiB and 8 MiB.
 *
 * Each chunk starts with an empty window and one byte 1 in it. That byte has left the window long
 * before the first place where a cut is allowed, so there the hash depends on the 64 bytes before
 * alone: the scan begins 64 bytes before that place and needs no state from earlier bytes.
 */
export function javascriptChunker(polynomial: bigint): Chunker {
  const tables = chunkerTables(polynomial);
  return { cut: (bytes) => scan(tables, bytes) };
}

function scan({ outLow, outHigh, modLow, modHigh }: ChunkerTables, bytes: Uint8Array): number {
  const end = Math.min(bytes.length, MAX_CHUNK);
  if (end < MIN_CHUNK) return -1;
  // The hash has 53 bits: 32 in `low`, 21 in `high`.
  let low = 0;
  let high = 0;
  let at = MIN_CHUNK - WINDOW;
  for (; at < MIN_CHUNK; at++) {
    const top = (high >>> 13) & 0xff;
    high = ((high << 8) | (low >>> 24)) ^ (modHigh[top] as number);
    low = ((low << 8) | (bytes[at] as number)) ^ (modLow[top] as number);
  }
  if ((low & MASK) === 0) return at;
  for (; at < end; at++) {
    const out = bytes[at - WINDOW] as number;
    low ^= outLow[out] as number;
    high ^= outHigh[out] as number;
    const top = (high >>> 13) & 0xff;
    high = ((high << 8) | (low >>> 24)) ^ (modHigh[top] as number);
    low = ((low << 8) | (bytes[at] as number)) ^ (modLow[top] as number);
    if ((low & MASK) === 0) return at + 1;
  }
  return end === MAX_CHUNK ? MAX_CHUNK : -1;
}
