import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { CipherGCM, Cipheriv, DecipherGCM, Decipheriv, KeyObject } from 'node:crypto';
import { concat } from '../../../bytes/text.ts';
import { KeysError } from '../../errors.ts';
import { CKM } from '../pkcs11.ts';
import { failing, parameterError } from './failing.ts';
import type { Mechanism } from './mechanism.ts';

/** AES: GCM (SP 800-38D), CBC with and without padding, CTR (SP 800-38A). */

const BLOCK = 16;
const NOTHING = new Uint8Array();
const WRONG = 'these bytes were not encrypted under this key and these parameters';

/** Nonces that OpenSSL takes; shorter ones than 96 bits are soon used twice. */
const NONCE = { least: 12, most: 128 } as const;

function cipherName(key: KeyObject, mode: string): string {
  return `aes-${(key.symmetricKeySize ?? 0) * 8}-${mode}`;
}

interface GcmOptions {
  readonly iv: Uint8Array;
  readonly aad: Uint8Array;
  readonly tag: number;
}

function gcmOptions(mechanism: Mechanism): GcmOptions {
  const { parameter } = mechanism;
  if (parameter.kind !== 'gcm') throw parameterError('kind');
  const { iv, aad, tagBits } = parameter;
  // SP 800-38D, 5.2.1.2: short tags are for special uses that do not occur here.
  if (!(tagBits >= 96 && tagBits <= 128) || tagBits % 8 !== 0) throw parameterError('tag length');
  if (iv.length < NONCE.least || iv.length > NONCE.most) throw parameterError('nonce length');
  return { iv, aad, tag: tagBits / 8 };
}

function gcmCipher(key: KeyObject, { iv, aad, tag }: GcmOptions): CipherGCM {
  const name = cipherName(key, 'gcm') as 'aes-256-gcm';
  return createCipheriv(name, key, iv, { authTagLength: tag }).setAAD(aad);
}

function gcmDecipher(key: KeyObject, { iv, aad, tag }: GcmOptions): DecipherGCM {
  const name = cipherName(key, 'gcm') as 'aes-256-gcm';
  return createDecipheriv(name, key, iv, { authTagLength: tag }).setAAD(aad);
}

/** The initial vector of CBC, one block. */
function ivOf(mechanism: Mechanism): Uint8Array {
  const { parameter } = mechanism;
  if (parameter.kind !== 'iv') throw parameterError('kind');
  if (parameter.iv.length !== BLOCK) throw parameterError('initial vector');
  return parameter.iv;
}

interface Counter {
  readonly block: Uint8Array;
  /** Bytes until the counter comes round to its beginning or overflows its field. */
  readonly limit: bigint;
}

/**
 * CK_AES_CTR_PARAMS: a counter in the last `counterBits` of the block. OpenSSL counts over the whole
 * block, so a narrower counter may not overflow; where it fills the block it comes round as
 * SP 800-38A, B.1 says.
 */
function counterOf(mechanism: Mechanism): Counter {
  const { parameter } = mechanism;
  if (parameter.kind !== 'ctr') throw parameterError('kind');
  const { block, counterBits } = parameter;
  if (block.length !== BLOCK) throw parameterError('counter block');
  if (!Number.isInteger(counterBits) || counterBits < 1 || counterBits > 128) {
    throw parameterError('counter width');
  }
  const range = 1n << BigInt(counterBits);
  const first = counterBits === 128 ? 0n : BigInt(`0x${block.toHex()}`) % range;
  return { block, limit: (range - first) * BigInt(BLOCK) };
}

function checkCounter(limit: bigint, length: number): void {
  if (BigInt(length) <= limit) return;
  throw new KeysError('DATA_LEN_RANGE', 'so many bytes would overflow the counter');
}

/** @throws {KeysError} MECHANISM_PARAM_INVALID when the parameter does not fit the mechanism */
export function checkCipher(mechanism: Mechanism): void {
  if (mechanism.type === CKM.AES_GCM) gcmOptions(mechanism);
  else if (mechanism.type === CKM.AES_CTR) counterOf(mechanism);
  else ivOf(mechanism);
}

/** CBC and CTR in either direction; GCM stands apart for its tag. */
function unauthenticated(
  mechanism: Mechanism,
  key: KeyObject,
  make: typeof createCipheriv | typeof createDecipheriv,
): Cipheriv | Decipheriv {
  switch (mechanism.type) {
    case CKM.AES_CTR:
      return make(cipherName(key, 'ctr'), key, counterOf(mechanism).block);
    case CKM.AES_CBC:
      return make(cipherName(key, 'cbc'), key, ivOf(mechanism)).setAutoPadding(false);
    case CKM.AES_CBC_PAD:
      return make(cipherName(key, 'cbc'), key, ivOf(mechanism));
    default:
      throw new KeysError('MECHANISM_INVALID', 'no such mechanism for encryption');
  }
}

/** @throws {KeysError} MECHANISM_PARAM_INVALID, DATA_LEN_RANGE */
export function aesEncrypt(mechanism: Mechanism, key: KeyObject, data: Uint8Array): Uint8Array {
  if (mechanism.type === CKM.AES_GCM) {
    const running = gcmCipher(key, gcmOptions(mechanism));
    return concat(running.update(data), running.final(), running.getAuthTag());
  }
  const running = unauthenticated(mechanism, key, createCipheriv);
  if (mechanism.type === CKM.AES_CTR) checkCounter(counterOf(mechanism).limit, data.length);
  if (mechanism.type === CKM.AES_CBC) checkBlocks('DATA_LEN_RANGE', data.length);
  return concat(running.update(data), running.final());
}

/** @throws {KeysError} ENCRYPTED_DATA_INVALID: nothing is given out before the tag is checked */
export function aesDecrypt(mechanism: Mechanism, key: KeyObject, data: Uint8Array): Uint8Array {
  if (mechanism.type === CKM.AES_GCM) {
    const options = gcmOptions(mechanism);
    const end = data.length - options.tag;
    if (end < 0) throw new KeysError('ENCRYPTED_DATA_LEN_RANGE', 'too short to be encrypted');
    return failing('ENCRYPTED_DATA_INVALID', WRONG, () => {
      const running = gcmDecipher(key, options);
      running.setAuthTag(data.subarray(end));
      const clear = running.update(data.subarray(0, end));
      try {
        running.final();
      } catch (error) {
        clear.fill(0);
        throw error;
      }
      return clear;
    });
  }
  const running = unauthenticated(mechanism, key, createDecipheriv);
  if (mechanism.type === CKM.AES_CTR) checkCounter(counterOf(mechanism).limit, data.length);
  else checkBlocks('ENCRYPTED_DATA_LEN_RANGE', data.length);
  if (mechanism.type === CKM.AES_CBC_PAD && data.length === 0) {
    throw new KeysError('ENCRYPTED_DATA_LEN_RANGE', 'too short to be encrypted');
  }
  return failing('ENCRYPTED_DATA_INVALID', WRONG, () => joined(running.update(data), running));
}

/** The clear bytes in memory of their own; what was gathered on the way is wiped. */
function joined(first: Uint8Array, running: Cipheriv | Decipheriv): Uint8Array {
  const last = running.final();
  if (last.length === 0) return first;
  const whole = concat(first, last);
  first.fill(0);
  last.fill(0);
  return whole;
}

function checkBlocks(code: 'DATA_LEN_RANGE' | 'ENCRYPTED_DATA_LEN_RANGE', length: number): void {
  if (length % BLOCK === 0) return;
  throw new KeysError(code, 'CBC takes whole blocks of 16 bytes');
}

/** An encryption or decryption in parts. Lengths are exact but where a bound is named. */
export interface RunningCipher {
  /** Bytes that the next `update` with so many gives. */
  updateLength(partLength: number): number;
  update(part: Uint8Array): Uint8Array;
  finishBound(): number;
  /** @throws {KeysError} DATA_LEN_RANGE, ENCRYPTED_DATA_LEN_RANGE, ENCRYPTED_DATA_INVALID */
  finish(): Uint8Array;
}

/**
 * Begins an encryption or decryption in parts.
 * @returns `undefined` for the decryption of GCM, of which nothing may be seen before its tag was
 *   checked: it is collected
 * @throws {KeysError} MECHANISM_INVALID, MECHANISM_PARAM_INVALID
 */
export function startCipher(
  mechanism: Mechanism,
  key: KeyObject,
  verb: 'encrypt' | 'decrypt',
): RunningCipher | undefined {
  if (mechanism.type === CKM.AES_GCM) {
    const options = gcmOptions(mechanism);
    return verb === 'encrypt' ? startGcm(key, options) : undefined;
  }
  const make = verb === 'encrypt' ? createCipheriv : createDecipheriv;
  const running = unauthenticated(mechanism, key, make);
  return mechanism.type === CKM.AES_CTR
    ? startCounter(running, counterOf(mechanism).limit)
    : startBlocks(running, verb, mechanism.type === CKM.AES_CBC_PAD);
}

function startGcm(key: KeyObject, options: GcmOptions): RunningCipher {
  const running = gcmCipher(key, options);
  return {
    updateLength: (length) => length,
    update: (part) => running.update(part),
    finishBound: () => options.tag,
    finish: () => concat(running.final(), running.getAuthTag()),
  };
}

function startCounter(running: Cipheriv | Decipheriv, limit: bigint): RunningCipher {
  let total = 0;
  return {
    updateLength: (length) => length,
    update(part) {
      checkCounter(limit, total + part.length);
      total += part.length;
      return running.update(part);
    },
    finishBound: () => 0,
    finish: () => NOTHING,
  };
}

function startBlocks(
  running: Cipheriv | Decipheriv,
  verb: 'encrypt' | 'decrypt',
  padded: boolean,
): RunningCipher {
  let total = 0;
  // A padded decryption keeps its last block until it is known to be the last.
  const givenOf = (count: number): number => {
    const blocks = Math.floor(count / BLOCK);
    return padded && verb === 'decrypt' && count > 0 && count % BLOCK === 0 ? blocks - 1 : blocks;
  };
  return {
    updateLength: (length) => (givenOf(total + length) - givenOf(total)) * BLOCK,
    update(part) {
      total += part.length;
      return running.update(part);
    },
    finishBound: () => (padded ? BLOCK : 0),
    finish() {
      if (verb === 'encrypt') {
        if (!padded) checkBlocks('DATA_LEN_RANGE', total);
        return running.final();
      }
      checkBlocks('ENCRYPTED_DATA_LEN_RANGE', total);
      if (padded && total === 0) {
        throw new KeysError('ENCRYPTED_DATA_LEN_RANGE', 'too short to be encrypted');
      }
      return failing('ENCRYPTED_DATA_INVALID', WRONG, () => running.final());
    },
  };
}
