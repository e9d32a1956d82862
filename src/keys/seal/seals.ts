import {
  argon2,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  randomBytes,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { concat, utf8 } from '../../bytes/text.ts';
import { StrongroomError } from '../../errors.ts';

/** The master key cannot be opened. */
export class SealError extends StrongroomError {}

/** What `seal.json` holds: the wrapped master key and how it is unwrapped. */
interface SealFile {
  readonly format: 1;
  readonly kind: 'file' | 'passphrase';
  readonly salt: string;
  readonly memory: number;
  readonly passes: number;
  readonly wrapped: string;
  readonly failures: number;
}

const SEAL = 'seal.json';
const KEY_FILE = 'master.key';
/** Wrong passphrases in a row before the strongroom locks itself. */
export const PASSPHRASE_TRIES = 10;
// OpenSSL takes argon2's memory from the secure heap, of which half is for keys: 32 MiB fit, so the
// passes make up for it.
const MEMORY_KIB = 32_768;
const PASSES = 12;

/** What each seal protects against, in plain words for `status`. */
export const SEAL_DESCRIPTIONS = {
  file: 'the master key lies in a file beside the store: whoever copies the whole home folder has every key',
  passphrase:
    'the master key opens with a passphrase (argon2id): a stolen disk is of no use without it',
} as const;

function derive(
  passphrase: Uint8Array,
  file: Pick<SealFile, 'salt' | 'memory' | 'passes'>,
): Promise<KeyObject> {
  const options = {
    message: passphrase,
    nonce: Buffer.from(file.salt, 'base64'),
    parallelism: 1,
    tagLength: 32,
    memory: file.memory,
    passes: file.passes,
  };
  return new Promise((resolve, reject) => {
    argon2('argon2id', options, (error, tag) => {
      if (error !== null) {
        reject(error);
        return;
      }
      resolve(createSecretKey(tag));
      tag.fill(0);
    });
  });
}

function associated(kind: SealFile['kind']): Uint8Array {
  return utf8(`strongroom seal 1 ${kind}`);
}

function writeFileDurably(path: string, bytes: Uint8Array): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_DSYNC;
  const file = openSync(`${path}.new`, flags, 0o600);
  try {
    writeSync(file, bytes);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
}

function write(folder: string, file: SealFile): void {
  writeFileDurably(join(folder, SEAL), utf8(JSON.stringify(file, undefined, 1)));
}

function read(folder: string): SealFile {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(join(folder, SEAL), 'utf8'));
  } catch (error) {
    throw new SealError('SEAL_UNREADABLE', 'seal.json is missing or damaged', {
      mend: 'put it back from a backup of the home folder',
      cause: error,
    });
  }
  const file = parsed as Partial<SealFile>;
  const sound =
    file.format === 1 &&
    (file.kind === 'file' || file.kind === 'passphrase') &&
    typeof file.salt === 'string' &&
    typeof file.wrapped === 'string' &&
    Number.isSafeInteger(file.failures) &&
    // Bounds, so that a changed file cannot make the process take all memory.
    inRange(file.memory, 8192, MEMORY_KIB) &&
    inRange(file.passes, 1, 64);
  if (!sound) {
    throw new SealError('SEAL_UNREADABLE', 'seal.json is damaged', {
      mend: 'put it back from a backup of the home folder',
    });
  }
  return file as SealFile;
}

function inRange(value: number | undefined, least: number, most: number): boolean {
  return value !== undefined && Number.isSafeInteger(value) && value >= least && value <= most;
}

function wrapMaster(key: KeyObject, kind: SealFile['kind'], master: Uint8Array): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(associated(kind));
  return Buffer.from(
    concat(nonce, cipher.update(master), cipher.final(), cipher.getAuthTag()),
  ).toString('base64');
}

function unwrapMaster(key: KeyObject, file: SealFile): KeyObject | undefined {
  const wrapped = Buffer.from(file.wrapped, 'base64');
  if (wrapped.length !== 60) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, wrapped.subarray(0, 12));
  decipher.setAAD(associated(file.kind));
  decipher.setAuthTag(wrapped.subarray(44));
  try {
    const master = decipher.update(wrapped.subarray(12, 44));
    decipher.final();
    const opened = createSecretKey(master);
    master.fill(0);
    return opened;
  } catch {
    return undefined;
  }
}

/** Makes a random master key and its seal: under a passphrase, or under a key in a file beside it. */
export async function createSeal(
  folder: string,
  passphrase: Uint8Array | undefined,
): Promise<KeyObject> {
  const kind = passphrase === undefined ? 'file' : 'passphrase';
  const cost = { salt: randomBytes(16).toString('base64'), memory: MEMORY_KIB, passes: PASSES };
  const master = randomBytes(32);
  let sealing: KeyObject;
  if (passphrase === undefined) {
    const bytes = randomBytes(32);
    writeFileDurably(join(folder, KEY_FILE), bytes);
    sealing = createSecretKey(bytes);
    bytes.fill(0);
  } else {
    sealing = await derive(passphrase, cost);
  }
  write(folder, {
    format: 1,
    kind,
    ...cost,
    wrapped: wrapMaster(sealing, kind, master),
    failures: 0,
  });
  const key = createSecretKey(master);
  master.fill(0);
  return key;
}

/** The kind of seal in a folder, or `undefined` where there is no strongroom yet. */
export function sealKind(folder: string): SealFile['kind'] | undefined {
  return existsSync(join(folder, SEAL)) ? read(folder).kind : undefined;
}

/** Opens the master key with the file beside it. @throws {SealError} */
export function openWithFile(folder: string): KeyObject {
  const file = read(folder);
  let bytes: Buffer;
  try {
    bytes = readFileSync(join(folder, KEY_FILE));
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

/**
 * Opens the master key with a passphrase. Every try is counted on disk before it is looked at, and
 * a wrong one waits longer each time.
 * @throws {SealError} SEAL_WRONG_PASSPHRASE, SEAL_LOCKED
 */
export async function openWithPassphrase(
  folder: string,
  passphrase: Uint8Array,
  wait: (milliseconds: number) => Promise<void>,
): Promise<KeyObject> {
  const file = read(folder);
  if (file.failures >= PASSPHRASE_TRIES) {
    throw new SealError('SEAL_LOCKED', `locked after ${PASSPHRASE_TRIES} wrong passphrases`, {
      duty: 'locked',
      mend: 'put back seal.json from a backup made before',
    });
  }
  write(folder, { ...file, failures: file.failures + 1 });
  const master = unwrapMaster(await derive(passphrase, file), file);
  if (master !== undefined) {
    write(folder, { ...file, failures: 0 });
    return master;
  }
  await wait(Math.min(60_000, 250 * 2 ** file.failures));
  throw new SealError('SEAL_WRONG_PASSPHRASE', 'the passphrase is wrong', {
    duty: 'denied',
    mend: `${PASSPHRASE_TRIES - file.failures - 1} tries are left`,
  });
}
