// PyKCS11 through the client module: every mechanism that the module carries. With the stock one of
// Debian 12 that leaves AES and ECDH out; STRONGROOM_TEST_PKCS11_MODULE names a newer one.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLIENT_MODULE, PIN, skipWithout, startToken } from '../support/pkcs11.ts';

const PYTHON = '/usr/bin/python3';
const script = join(import.meta.dirname, 'pykcs11.py');

function missing(): string | false {
  if (process.env['CI'] === 'true') return false;
  const found = spawnSync(PYTHON, ['-c', 'import PyKCS11']).status === 0;
  return skipWithout() || (!found && 'not installed: python3-pykcs11');
}

test('PyKCS11 signs, encrypts and derives', { skip: missing() }, async () => {
  await using token = await startToken();
  const tried = JSON.parse(token.run(PYTHON, [script, CLIENT_MODULE, PIN])) as string[];
  for (const name of [
    'SHA256_HMAC',
    'ECDSA-256',
    'ECDSA-521',
    'SHA512_RSA_PKCS',
    'RSA_PKCS_OAEP-SHA1',
    'RSA_PKCS_OAEP-SHA256',
  ]) {
    assert.ok(tried.includes(name), name);
  }
  if (process.env['STRONGROOM_TEST_PKCS11_MODULE'] === undefined) return;
  for (const name of [
    'AES-GCM',
    'AES-CBC-PAD',
    'AES_CMAC',
    'SHA224_HMAC',
    'ECDSA_SHA512-521',
    'ECDH1_DERIVE-256',
    'ECDH1_DERIVE-521',
    'SHA256_RSA_PKCS_PSS',
  ]) {
    assert.ok(tried.includes(name), name);
  }
});
