import { createHash } from 'node:crypto';
import { KeysError } from '../errors.ts';

/**
 * The continuous health test of the random source: two equal blocks of 16 bytes in a row mean that
 * it repeats itself (FIPS 140-2, 4.9.2; by chance once in 2^128 calls).
 * @param source cryptographic random bytes
 * @param onFailure told once; the engine then serves nothing any more
 */
export function testedRandom(
  source: (length: number) => Uint8Array,
  onFailure: (reason: string) => void,
): (length: number) => Uint8Array {
  // Only a digest is kept: the bytes themselves may become somebody's key.
  const digest = (block: Uint8Array): string => createHash('sha256').update(block).digest('hex');
  let last = digest(source(16));
  return (length) => {
    const bytes = source(Math.max(16, length));
    const first = digest(bytes.subarray(0, 16));
    if (first === last) {
      onFailure('the random source repeats itself');
      throw new KeysError('DEVICE_ERROR', 'the random source failed its health test', {
        duty: 'internal',
        mend: 'restart the strongroom; if it goes on, this machine is broken',
      });
    }
    last = first;
    return length === bytes.length ? bytes : bytes.subarray(0, length);
  };
}
