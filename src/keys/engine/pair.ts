import {
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { KeysError } from '../errors.ts';

/**
 * Whether the public values that a private key brought along belong to it (SP 800-56A and 56B,
 * pairwise consistency): OpenSSL believes them, and a key whose halves differ would sign what nobody
 * can verify and open nothing that was meant for it.
 * @throws {KeysError} ATTRIBUTE_VALUE_INVALID when they do not
 */
export function checkPair(privateKey: KeyObject): void {
  let fits = false;
  try {
    fits = agrees(privateKey, createPublicKey(privateKey));
  } catch {
    // OpenSSL found it out itself.
  }
  if (fits) return;
  throw new KeysError(
    'ATTRIBUTE_VALUE_INVALID',
    'the public and the private values of this key do not belong together',
  );
}

function agrees(privateKey: KeyObject, publicKey: KeyObject): boolean {
  const type = privateKey.asymmetricKeyType ?? '';
  if (type === 'x25519' || type === 'x448') {
    // The types of Node know one overload a literal.
    const peer = type === 'x25519' ? generateKeyPairSync('x25519') : generateKeyPairSync('x448');
    return timingSafeEqual(
      diffieHellman({ privateKey, publicKey: peer.publicKey }),
      diffieHellman({ privateKey: peer.privateKey, publicKey }),
    );
  }
  if (type.startsWith('ml-kem')) {
    const { ciphertext, sharedKey } = encapsulate(publicKey);
    return timingSafeEqual(decapsulate(privateKey, ciphertext), sharedKey);
  }
  const hash = type === 'rsa' || type === 'ec' ? 'sha256' : null;
  const data = randomBytes(32);
  return verify(hash, data, publicKey, sign(hash, data, privateKey));
}
