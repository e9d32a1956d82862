import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  randomBytes,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { concat, utf8 } from '../../bytes/text.ts';

export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

/** A key for one use, from the master key: HKDF-SHA-256 (RFC 5869) with the use as its info. */
export function deriveKey(masterKey: KeyObject, use: string): KeyObject {
  const bytes = new Uint8Array(hkdfSync('sha256', masterKey, new Uint8Array(), utf8(use), 32));
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

/** AES-256-GCM (SP 800-38D): a fresh random nonce, the ciphertext, the tag of 16 bytes. */
export function seal(key: KeyObject, associated: Uint8Array, clear: Uint8Array): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(associated);
  return concat(nonce, cipher.update(clear), cipher.final(), cipher.getAuthTag());
}

/** The clear bytes in new memory, to be wiped by the caller; `undefined` when the tag is wrong. */
export function unseal(
  key: KeyObject,
  associated: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES));
  decipher.setAAD(associated);
  decipher.setAuthTag(tagOf(sealed));
  const clear = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
  try {
    decipher.final();
    return clear;
  } catch {
    clear.fill(0);
    return undefined;
  }
}

/** The authentication tag, which stands for the whole of a sealed value. */
export function tagOf(sealed: Uint8Array): Uint8Array {
  return sealed.subarray(sealed.length - TAG_BYTES);
}
