import {
  argon2,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  randomBytes,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { concat } from '../../bytes/text.ts';
import { createDisk } from '../store/disk.ts';
import type { Disk } from '../store/disk.ts';
import { SealError } from './errors.ts';
import {
  MEMORY_KIB,
  PASSES,
  associatedWith,
  readSealFile,
  sealFileExists,
  writeSealFile,
} from './seal-file.ts';
import type { ByPassphrase, SealFile } from './seal-file.ts';

/** Passphrases that may wait for their turn; more are refused. */
const MAX_WAITING = 16;
/** Wrong passphrases in a row before the strongroom locks itself. */
export const PASSPHRASE_TRIES = 10;

/** What each seal protects against, in plain words for `status`. */
export const SEAL_DESCRIPTIONS = {
  file: 'the master key lies in a file beside the store: whoever copies the whole home folder has every key',
  passphrase:
    'the master key opens with a passphrase (argon2id): a stolen disk is of no use without it',
} as const;

function keyFile(folder: string): string {
  return join(folder, 'master.key');
}

/** A key object around bytes, which are wiped. */
function keyAround(bytes: Uint8Array): KeyObject {
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

/** argon2id (RFC 9106) with one lane, off the event loop. */
function derive(
  passphrase: Uint8Array,
  cost: Pick<ByPassphrase, 'salt' | 'memory' | 'passes'>,
): Promise<KeyObject> {
  const options = {
    message: passphrase,
    nonce: Buffer.from(cost.salt, 'base64'),
    parallelism: 1,
    tagLength: 32,
    memory: cost.memory,
    passes: cost.passes,
  };
  return new Promise((resolve, reject) => {
    argon2('argon2id', options, (error, tag) => {
      if (error === null) resolve(keyAround(tag));
      else reject(error);
    });
  });
}

/** AES-256-GCM: nonce, ciphertext and tag, in base64. */
function wrapMaster(key: KeyObject, associated: Uint8Array, master: Uint8Array): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(associated);
  return concat(nonce, cipher.update(master), cipher.final(), cipher.getAuthTag()).toBase64();
}

function unwrapMaster(key: KeyObject, file: SealFile): KeyObject | undefined {
  const wrapped = Buffer.from(file.wrapped, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key, wrapped.subarray(0, 12));
  decipher.setAAD(associatedWith(file));
  decipher.setAuthTag(wrapped.subarray(44));
  const master = decipher.update(wrapped.subarray(12, 44));
  try {
    decipher.final();
    return keyAround(master);
  } catch {
    master.fill(0);
    return undefined;
  }
}

/** A new master key whose seal is not written yet. */
export interface NewSeal {
  readonly masterKey: KeyObject;
  /** Writes the seal, the last file of a new strongroom: without it the others are of no use. */
  write(): void;
}

/**
 * Makes a random master key, to be sealed under a passphrase or under a key in a file beside it.
 * @param work of argon2id: memory in KiB, and passes
 */
export async function makeSeal(
  folder: string,
  passphrase: Uint8Array | undefined,
  disk: Disk = createDisk(),
  work: Pick<ByPassphrase, 'memory' | 'passes'> = { memory: MEMORY_KIB, passes: PASSES },
): Promise<NewSeal> {
  const master = randomBytes(32);
  let file: SealFile;
  let keyBytes: Uint8Array | undefined;
  if (passphrase === undefined) {
    keyBytes = randomBytes(32);
    file = { format: 1, kind: 'file', wrapped: '' };
    const wrapped = wrapMaster(createSecretKey(keyBytes), associatedWith(file), master);
    file = { ...file, wrapped };
  } else {
    const cost = { salt: randomBytes(16).toBase64(), ...work };
    file = { format: 1, kind: 'passphrase', ...cost, wrapped: '', tries: 0, failures: 0 };
    const wrapped = wrapMaster(await derive(passphrase, cost), associatedWith(file), master);
    file = { ...file, wrapped };
  }
  return {
    masterKey: keyAround(master),
    write() {
      if (keyBytes !== undefined) {
        disk.replace(keyFile(folder), keyBytes);
        keyBytes.fill(0);
      }
      writeSealFile(folder, disk, file);
    },
  };
}

/** The kind of seal in a folder, or `undefined` where there is no strongroom yet. */
export function sealKind(folder: string): SealFile['kind'] | undefined {
  return sealFileExists(folder) ? readSealFile(folder).kind : undefined;
}

/** Opens the master key with the file beside it. @throws {SealError} */
export function openWithFile(folder: string): KeyObject {
  const file = readSealFile(folder);
  let bytes: Buffer;
  try {
    bytes = readFileSync(keyFile(folder));
  } catch (error) {
    throw new SealError('SEAL_KEY_FILE_MISSING', 'master.key is missing', {
      mend: 'put it back from a backup: without it no key can be opened',
      cause: error,
    });
  }
  const master = bytes.length === 32 ? unwrapMaster(createSecretKey(bytes), file) : undefined;
  bytes.fill(0);
  if (master !== undefined) return master;
  throw new SealError('SEAL_BROKEN', 'master.key does not open this seal', {
    mend: 'put back seal.json and master.key from the same backup',
  });
}

/** A master key that a passphrase opened, and how many were ever tried. */
export interface Opened {
  readonly masterKey: KeyObject;
  readonly tries: number;
}

/**
 * Opens the master key with a passphrase, one try after the other: parallel guesses share no count.
 * Every try is counted on disk before it is looked at, and a wrong one waits longer each time. The
 * count is kept in memory too: a `seal.json` put back resets it at the next start at the earliest.
 */
export class PassphraseSeal {
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #wait: (milliseconds: number) => Promise<void>;
  #failures = 0;
  #waiting = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(
    folder: string,
    wait: (milliseconds: number) => Promise<void>,
    disk: Disk = createDisk(),
  ) {
    this.#folder = folder;
    this.#wait = wait;
    this.#disk = disk;
  }

  /** @throws {SealError} SEAL_WRONG_PASSPHRASE, SEAL_LOCKED, SEAL_BUSY, SEAL_UNREADABLE */
  async open(passphrase: Uint8Array): Promise<Opened> {
    if (this.#waiting >= MAX_WAITING) {
      throw new SealError('SEAL_BUSY', 'too many passphrases are waiting to be tried', {
        mend: 'wait for them: each wrong one takes longer',
      });
    }
    this.#waiting++;
    const opened = this.#queue.then(() => this.#try(passphrase));
    this.#queue = opened.catch(() => undefined);
    try {
      return await opened;
    } finally {
      this.#waiting--;
    }
  }

  async #try(passphrase: Uint8Array): Promise<Opened> {
    const file = readSealFile(this.#folder);
    if (file.kind !== 'passphrase') {
      throw new SealError('SEAL_BROKEN', 'this strongroom opens with a file, not a passphrase');
    }
    const failures = Math.max(file.failures, this.#failures);
    if (failures >= PASSPHRASE_TRIES) {
      throw new SealError('SEAL_LOCKED', `locked after ${PASSPHRASE_TRIES} wrong passphrases`, {
        duty: 'locked',
        mend: 'stop the strongroom, put back seal.json from a backup made before, and start it',
      });
    }
    this.#failures = failures + 1;
    const tries = file.tries + 1;
    writeSealFile(this.#folder, this.#disk, { ...file, tries, failures: failures + 1 });
    const masterKey = unwrapMaster(await derive(passphrase, file), file);
    if (masterKey !== undefined) {
      writeSealFile(this.#folder, this.#disk, { ...file, tries, failures: 0 });
      this.#failures = 0;
      return { masterKey, tries };
    }
    await this.#wait(Math.min(60_000, 250 * 2 ** failures));
    throw new SealError('SEAL_WRONG_PASSPHRASE', 'the passphrase is wrong', {
      duty: 'denied',
      mend: `${PASSPHRASE_TRIES - failures - 1} tries are left`,
    });
  }
}
