import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * A PIN as it is kept: argon2id (RFC 9106) over a random salt. The record itself is sealed under the
 * master key, so this guards against somebody who holds an unlocked store, not against one who holds
 * the disk; hence the least cost that OWASP names (19 MiB, two passes).
 */
export interface PinHash {
  readonly salt: string;
  readonly hash: string;
  readonly memory: number;
  readonly passes: number;
}

const MEMORY_KIB = 19_456;
const PASSES = 2;

function derive(
  pin: Uint8Array,
  salt: Uint8Array,
  memory: number,
  passes: number,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    argon2(
      'argon2id',
      { message: pin, nonce: salt, parallelism: 1, tagLength: 32, memory, passes },
      (error, tag) => {
        if (error === null) resolve(tag);
        else reject(error);
      },
    );
  });
}

/** Hashes a PIN with a fresh salt. */
export async function hashPin(pin: Uint8Array): Promise<PinHash> {
  const salt = randomBytes(16);
  const tag = await derive(pin, salt, MEMORY_KIB, PASSES);
  return {
    salt: salt.toString('base64'),
    hash: tag.toString('base64'),
    memory: MEMORY_KIB,
    passes: PASSES,
  };
}

/** Whether a PIN is the hashed one; the comparison takes the same time either way. */
export async function matchesPin(pin: Uint8Array, kept: PinHash): Promise<boolean> {
  const salt = Buffer.from(kept.salt, 'base64');
  const tag = await derive(pin, salt, kept.memory, kept.passes);
  const expected = Buffer.from(kept.hash, 'base64');
  return expected.length === tag.length && timingSafeEqual(tag, expected);
}
