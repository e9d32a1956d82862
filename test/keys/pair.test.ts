// Keys whose public values belong to another key: OpenSSL takes them, the engine does not.
import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { makeImported } from '../../src/keys/engine/make.ts';
import { checkPair } from '../../src/keys/engine/pair.ts';
import { CKA, CKO } from '../../src/keys/engine/pkcs11.ts';
import { KeysError } from '../../src/keys/errors.ts';

const der = (key: KeyObject): Buffer => key.export({ format: 'der', type: 'pkcs8' });

/** The DER of one key with the public value of another in it. */
function spliced(mine: Buffer, ours: Uint8Array, theirs: Uint8Array): Buffer {
  const at = mine.indexOf(ours);
  assert.ok(at > 0 && ours.length === theirs.length);
  const changed = Buffer.from(mine);
  changed.set(theirs, at);
  return changed;
}

function imported(value: Uint8Array) {
  return makeImported(
    new Map<number, number | Uint8Array>([
      [CKA.CLASS, CKO.PRIVATE_KEY],
      [CKA.VALUE, value],
    ]),
  );
}

test('a private key with a foreign public value is refused', () => {
  const [a, b] = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }));
  assert.ok(a !== undefined && b !== undefined);
  const point = (key: KeyObject): Uint8Array =>
    key.export({ format: 'der', type: 'spki' }).subarray(-65);
  const mixed = spliced(der(a.privateKey), point(a.publicKey), point(b.publicKey));
  createPrivateKey({ key: mixed, format: 'der', type: 'pkcs8' });
  assert.throws(() => imported(mixed), KeysError);
  assert.equal(imported(der(a.privateKey)).purpose, 'sign');

  const [c, d] = [0, 1].map(() => generateKeyPairSync('rsa', { modulusLength: 2048 }));
  assert.ok(c !== undefined && d !== undefined);
  const modulus = (key: KeyObject): Uint8Array =>
    Buffer.from(key.export({ format: 'jwk' }).n ?? '', 'base64url');
  assert.throws(
    () => imported(spliced(der(c.privateKey), modulus(c.publicKey), modulus(d.publicKey))),
    /do not belong together/,
  );
});

test('whole keys of every type pass', () => {
  for (const pair of [
    generateKeyPairSync('ed25519'),
    generateKeyPairSync('ed448'),
    generateKeyPairSync('x25519'),
    generateKeyPairSync('x448'),
    generateKeyPairSync('ec', { namedCurve: 'secp521r1' }),
    generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('ml-dsa-44'),
    generateKeyPairSync('ml-kem-512'),
  ]) {
    checkPair(pair.privateKey);
  }
});
