import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { concat } from '../../../bytes/text.ts';
import { KeysError } from '../../errors.ts';
import { CKM } from '../pkcs11.ts';
import { failing, parameterError } from './failing.ts';
import type { Mechanism } from './mechanism.ts';

/** AES key wrap: KW (RFC 3394, SP 800-38F 6.2) and KWP (RFC 5649, SP 800-38F 6.3). */

/** The initial values of RFC 3394, 2.2.3.1 and RFC 5649, 3. */
const KW_INITIAL = new Uint8Array(8).fill(0xa6);
const KWP_INITIAL = Uint8Array.fromHex('a65959a6');

function cipherOf(mechanism: Mechanism, key: KeyObject): { name: string; iv: Uint8Array } {
  const bits = (key.symmetricKeySize ?? 0) * 8;
  return mechanism.type === CKM.AES_KEY_WRAP
    ? { name: `id-aes${bits}-wrap`, iv: KW_INITIAL }
    : { name: `id-aes${bits}-wrap-pad`, iv: KWP_INITIAL };
}

/** A caller may name the standard's own initial value, and no other. */
function checkParameter(mechanism: Mechanism, iv: Uint8Array): void {
  const { parameter } = mechanism;
  if (parameter.kind === 'none') return;
  if (parameter.kind !== 'iv') throw parameterError('kind');
  if (Buffer.compare(parameter.iv, iv) !== 0) throw parameterError('initial value');
}

/**
 * Wraps clear key bytes.
 * @throws {KeysError} DATA_LEN_RANGE, MECHANISM_PARAM_INVALID
 */
export function aesWrap(mechanism: Mechanism, key: KeyObject, clear: Uint8Array): Uint8Array {
  const { name, iv } = cipherOf(mechanism, key);
  checkParameter(mechanism, iv);
  const fits =
    mechanism.type === CKM.AES_KEY_WRAP
      ? clear.length >= 16 && clear.length % 8 === 0
      : clear.length > 0;
  if (!fits) {
    throw new KeysError('DATA_LEN_RANGE', 'AES-KW wraps multiples of 8 bytes; take AES-KWP');
  }
  const running = createCipheriv(name, key, iv);
  return concat(running.update(clear), running.final());
}

/** @throws {KeysError} WRAPPED_KEY_INVALID, MECHANISM_PARAM_INVALID */
export function aesUnwrap(mechanism: Mechanism, key: KeyObject, wrapped: Uint8Array): Uint8Array {
  const { name, iv } = cipherOf(mechanism, key);
  checkParameter(mechanism, iv);
  const message = 'these bytes were not wrapped under this key';
  const least = mechanism.type === CKM.AES_KEY_WRAP ? 24 : 16;
  // OpenSSL takes an empty input for a right one; RFC 3394 has none shorter than this.
  if (wrapped.length < least || wrapped.length % 8 !== 0) {
    throw new KeysError('WRAPPED_KEY_INVALID', message);
  }
  return failing('WRAPPED_KEY_INVALID', message, () => {
    const running = createDecipheriv(name, key, iv);
    const first = running.update(wrapped);
    const last = running.final();
    if (last.length === 0) return first;
    const whole = concat(first, last);
    first.fill(0);
    last.fill(0);
    return whole;
  });
}
