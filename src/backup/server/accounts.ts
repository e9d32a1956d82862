import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { BackupError } from '../errors.ts';

/** Somebody who may keep repositories on a server. */
export interface Account {
  readonly name: string;
  /** Folders at the top of the storage that this account may use; its own name unless said. */
  readonly folders: readonly string[];
  /** May add and never delete (locks excepted): what a thief of the client gets is no eraser. */
  readonly appendOnly: boolean;
  /** May not read packs: what a thief of the client gets shows no contents. */
  readonly writeOnly: boolean;
  /** Bytes that its folders may hold in all. */
  readonly quota: number | undefined;
}

interface StoredAccount {
  readonly secret: string;
  readonly folders?: readonly string[];
  readonly appendOnly?: boolean;
  readonly writeOnly?: boolean;
  readonly quota?: number;
}

/** The file of accounts as JSON: names and what is stored of each. No password is in it. */
export type AccountFile = Readonly<Record<string, StoredAccount>>;

/** Cost of a password that a person chose (RFC 7914; 32 MiB, some 60 ms). */
const SCRYPT = { N: 1 << 15, r: 8, p: 1, maxmem: 64 << 20 } as const;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Passwords found right, so that not every request costs 60 ms. */
const REMEMBERED = 1000;

/** Whether a word can be an account or a folder of a repository. */
export function isPathWord(word: string): boolean {
  return NAME.test(word) && !KIND_WORDS.has(word);
}

const KIND_WORDS: ReadonlySet<string> = new Set([
  'config',
  'keys',
  'locks',
  'snapshots',
  'index',
  'data',
  'tmp',
]);

function derive(password: string, salt: Uint8Array, cost: ScryptCost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, 32, { ...cost, maxmem: SCRYPT.maxmem }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/**
 * A password of 256 random bits and what is stored of it: a plain SHA-256, which nobody can turn
 * back, and which costs no time at each request.
 */
export function randomPassword(): { readonly password: string; readonly secret: string } {
  const password = randomBytes(32).toString('base64url');
  return { password, secret: `sha256:${digest(password).toString('hex')}` };
}

/** What is stored of a password that a person chose: scrypt with a salt of its own. */
export async function secretOf(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, SCRYPT);
  return `scrypt:${salt.toString('hex')}:${key.toString('hex')}`;
}

/**
 * Reads a file of accounts.
 * @throws {BackupError} BACKUP_USAGE naming what is wrong
 */
export function parseAccounts(text: string): AccountFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed('it is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed('it is no object');
  }
  for (const [name, account] of Object.entries(value)) {
    if (!isPathWord(name)) throw malformed(`\`${name}\` cannot be the name of an account`);
    checkAccount(name, account);
  }
  return value as AccountFile;
}

function checkAccount(name: string, account: unknown): void {
  if (typeof account !== 'object' || account === null) throw malformed(`\`${name}\` is no object`);
  const { secret, folders, appendOnly, writeOnly, quota, ...rest } = account as Partial<
    Record<keyof StoredAccount, unknown>
  >;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw malformed(`\`${name}\` has an unknown setting \`${unknown}\``);
  if (
    typeof secret !== 'string' ||
    !/^(sha256:[0-9a-f]{64}|scrypt:[0-9a-f]{32}:[0-9a-f]{64})$/.test(secret)
  ) {
    throw malformed(`the secret of \`${name}\` is none`);
  }
  const folderList: unknown = folders ?? [];
  if (
    !Array.isArray(folderList) ||
    folderList.some((each) => typeof each !== 'string' || !isPathWord(each))
  ) {
    throw malformed(`the folders of \`${name}\` are no list of names`);
  }
  for (const flag of [appendOnly, writeOnly]) {
    if (flag !== undefined && typeof flag !== 'boolean') {
      throw malformed(`\`${name}\` has a setting that is neither true nor false`);
    }
  }
  if (quota !== undefined && !(Number.isSafeInteger(quota) && Number(quota) >= 0)) {
    throw malformed(`the quota of \`${name}\` is no number of bytes`);
  }
}

function malformed(what: string): BackupError {
  return new BackupError('BACKUP_USAGE', `the file of accounts cannot be used: ${what}`, {
    mend: 'make accounts with `strongroom backup account add`',
  });
}

/** Tells who a name and password belong to. */
export class Accounts {
  #file: AccountFile;
  readonly #right = new Map<string, string>();

  constructor(file: AccountFile) {
    this.#file = file;
  }

  /** Takes another file; passwords are looked at anew. */
  replace(file: AccountFile): void {
    this.#file = file;
    this.#right.clear();
  }

  /** @returns `undefined` when the name or the password is wrong */
  async check(name: string, password: string): Promise<Account | undefined> {
    const stored = Object.hasOwn(this.#file, name) ? this.#file[name] : undefined;
    const proof = digest(`${name}\0${password}`).toString('hex');
    if (stored === undefined) {
      // As long as a wrong password of an account takes that a person chose.
      await derive(password, digest(name).subarray(0, 16), SCRYPT);
      return undefined;
    }
    if (this.#right.get(proof) !== stored.secret && !(await isRight(stored.secret, password))) {
      return undefined;
    }
    if (this.#right.size >= REMEMBERED) this.#right.clear();
    this.#right.set(proof, stored.secret);
    return {
      name,
      folders: stored.folders ?? [name],
      appendOnly: stored.appendOnly ?? false,
      writeOnly: stored.writeOnly ?? false,
      quota: stored.quota,
    };
  }
}

async function isRight(secret: string, password: string): Promise<boolean> {
  const [kind, first = '', second = ''] = secret.split(':');
  if (kind === 'sha256') return timingSafeEqual(Buffer.from(first, 'hex'), digest(password));
  const key = await derive(password, Buffer.from(first, 'hex'), SCRYPT);
  return timingSafeEqual(Buffer.from(second, 'hex'), key);
}
