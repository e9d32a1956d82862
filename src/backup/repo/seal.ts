import * as nodeCrypto from 'node:crypto';
import { createCipheriv, createDecipheriv, randomFillSync, timingSafeEqual } from 'node:crypto';
import { BackupError } from '../errors.ts';
import { SEAL_OVERHEAD } from './wire/pack-header.ts';
import type { MasterKey } from './wire/key-file.ts';

/** `crypto.createMac` of Node 26, which its type declarations do not list yet. */
type CreateMac = (
  name: string,
  key: Uint8Array,
) => { update(data: Uint8Array): unknown; final(): Uint8Array };
const createMac = Reflect.get(nodeCrypto, 'createMac') as CreateMac;

const IV = 16;
const MAC = 16;
/** IVs are drawn and their masks computed this many at a time. */
const BATCH = 256;

/**
 * restic's authenticated encryption: AES-256-CTR under a random IV that is the whole first counter
 * block, then Poly1305-AES (Bernstein 2005) over the ciphertext: the one-time key is r and
 * AES-128_k(IV). Sealed bytes are `IV || ciphertext || MAC`. There is no associated data: what a
 * sealed value is and where it belongs must be told by its hash, which the caller checks.
 */
export class Sealer {
  readonly #encrypt: Uint8Array;
  readonly #oneTime = new Uint8Array(32);
  readonly #masks: nodeCrypto.Cipheriv;
  readonly #ivs = new Uint8Array(BATCH * IV);
  #maskBatch = new Uint8Array(0);
  #next = BATCH;

  /** Keeps a copy of the key. */
  constructor(key: MasterKey) {
    this.#encrypt = key.encrypt.slice();
    this.#oneTime.set(key.macR);
    // One cipher for all masks: ECB of single blocks has no state between them.
    this.#masks = createCipheriv('aes-128-ecb', key.macK, null).setAutoPadding(false);
  }

  /** Poly1305-AES of a ciphertext. */
  #mac(mask: Uint8Array, ciphertext: Uint8Array): Uint8Array {
    this.#oneTime.set(mask, 16);
    const mac = createMac('poly1305', this.#oneTime);
    mac.update(ciphertext);
    return mac.final();
  }

  #freshIv(): { readonly iv: Uint8Array; readonly mask: Uint8Array } {
    if (this.#next === BATCH) {
      randomFillSync(this.#ivs);
      this.#maskBatch = this.#masks.update(this.#ivs);
      this.#next = 0;
    }
    const at = this.#next++ * IV;
    const iv = this.#ivs.subarray(at, at + IV);
    // A source of zeros would encrypt everything with one stream.
    if (iv.every((byte) => byte === 0)) {
      throw new BackupError('BACKUP_DAMAGED', 'the random source gives zeros', {
        duty: 'internal',
        mend: 'make no backup on this machine',
      });
    }
    return { iv, mask: this.#maskBatch.subarray(at, at + IV) };
  }

  /** `IV || ciphertext || MAC` of the plain bytes, in memory of its own. */
  seal(plain: Uint8Array): Uint8Array {
    const { iv, mask } = this.#freshIv();
    const sealed = new Uint8Array(plain.length + SEAL_OVERHEAD);
    sealed.set(iv);
    if (plain.length > 0) {
      sealed.set(createCipheriv('aes-256-ctr', this.#encrypt, iv).update(plain), IV);
    }
    const end = sealed.length - MAC;
    sealed.set(this.#mac(mask, sealed.subarray(IV, end)), end);
    return sealed;
  }

  /**
   * The plain bytes, in memory of their own.
   * @returns `undefined` when the MAC is wrong, or the bytes are too few to have one
   */
  open(sealed: Uint8Array): Uint8Array | undefined {
    if (sealed.length < SEAL_OVERHEAD) return undefined;
    const iv = sealed.subarray(0, IV);
    const end = sealed.length - MAC;
    const ciphertext = sealed.subarray(IV, end);
    const mac = this.#mac(this.#masks.update(iv), ciphertext);
    if (!timingSafeEqual(mac, sealed.subarray(end))) return undefined;
    return createDecipheriv('aes-256-ctr', this.#encrypt, iv).update(ciphertext);
  }

  /** Wipes what this object holds of the key; copies inside OpenSSL go when they are collected. */
  [Symbol.dispose](): void {
    this.#encrypt.fill(0);
    this.#oneTime.fill(0);
  }
}
