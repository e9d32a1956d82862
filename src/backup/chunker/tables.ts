import { remainder } from './polynomial.ts';

/** Bytes that the rolling hash looks at. */
export const WINDOW = 64;
/** No chunk but a file's last is shorter; bytes. */
export const MIN_CHUNK: number = 512 * 1024;
/** No chunk is longer; bytes. */
export const MAX_CHUNK: number = 8 * 1024 * 1024;

/**
 * What a byte does to the hash, for each of 256 bytes, as two halves of 32 bits: `out` takes the
 * byte out that leaves the window, `mod` reduces the eight bits that were shifted over the degree.
 */
export interface ChunkerTables {
  readonly outLow: Int32Array;
  readonly outHigh: Int32Array;
  readonly modLow: Int32Array;
  readonly modHigh: Int32Array;
}

/** The tables of a polynomial of degree 53. */
export function chunkerTables(polynomial: bigint, degree = 53): ChunkerTables {
  const tables = {
    outLow: new Int32Array(256),
    outHigh: new Int32Array(256),
    modLow: new Int32Array(256),
    modHigh: new Int32Array(256),
  };
  for (let byte = 0; byte < 256; byte++) {
    const out = remainder(BigInt(byte) << BigInt(8 * (WINDOW - 1)), polynomial);
    const over = BigInt(byte) << BigInt(degree);
    const mod = remainder(over, polynomial) | over;
    tables.outLow[byte] = Number(BigInt.asIntN(32, out));
    tables.outHigh[byte] = Number(BigInt.asIntN(32, out >> 32n));
    tables.modLow[byte] = Number(BigInt.asIntN(32, mod));
    tables.modHigh[byte] = Number(BigInt.asIntN(32, mod >> 32n));
  }
  return tables;
}
