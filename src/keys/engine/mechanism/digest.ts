import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { KeysError } from '../../errors.ts';
import { DIGESTS } from './hash.ts';
import type { Mechanism } from './mechanism.ts';

/** A digest under way. */
export interface RunningDigest {
  readonly hash: Hash;
  /** Bytes of the result. */
  readonly length: number;
}

/** A digest to be fed. @throws {KeysError} MECHANISM_INVALID, MECHANISM_PARAM_INVALID */
export function createDigest(mechanism: Mechanism): RunningDigest {
  const info = DIGESTS.get(mechanism.type);
  if (info === undefined) throw new KeysError('MECHANISM_INVALID', 'no such digest');
  if (mechanism.parameter.kind !== 'none') {
    throw new KeysError('MECHANISM_PARAM_INVALID', 'a digest takes no parameter');
  }
  return { hash: createHash(info.name), length: info.length };
}
