import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  hkdfSync,
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
import { DatabaseSync } from 'node:sqlite';
import { Reader } from '../../bytes/reader.ts';
import { Writer } from '../../bytes/writer.ts';
import { concat, utf8 } from '../../bytes/text.ts';
import { StoreError } from './errors.ts';
import type { Change, Store, StoredRecord } from './store.ts';

/*
 * Construction. Every body is sealed with AES-256-GCM under a key derived from the master key, a
 * fresh random nonce, and its record's id and version as associated data: it can be neither edited
 * nor moved nor exchanged for an older one alone. A digest over all (id, version, tag) and the
 * generation stand in the anchor, a sealed file beside the database, which is written durably before
 * a commit with both the present and the coming state: a removed, added or rolled back record, or a
 * whole older database, does not fit it. Putting back the whole folder is not found without a
 * counter in hardware.
 */

const DATABASE = 'store.db';
const ANCHOR = 'anchor';
const NONCE = 12;
const TAG = 16;

interface Row {
  readonly version: number;
  readonly sealed: Uint8Array;
}

/** A state of the store that the anchor admits. */
interface Allowed {
  readonly generation: number;
  readonly digest: Uint8Array;
}

function deriveKey(masterKey: KeyObject, label: string): KeyObject {
  const bytes = new Uint8Array(hkdfSync('sha256', masterKey, new Uint8Array(), utf8(label), 32));
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

function seal(key: KeyObject, associated: Uint8Array, clear: Uint8Array): Uint8Array {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(associated);
  return concat(nonce, cipher.update(clear), cipher.final(), cipher.getAuthTag());
}

function unseal(
  key: KeyObject,
  associated: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  if (sealed.length < NONCE + TAG) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE));
  decipher.setAAD(associated);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
  try {
    const clear = decipher.update(sealed.subarray(NONCE, sealed.length - TAG));
    decipher.final();
    return clear;
  } catch {
    return undefined;
  }
}

function recordAssociated(id: string, version: number): Uint8Array {
  return utf8(`strongroom store 1\0${id}\0${version}`);
}

const ANCHOR_ASSOCIATED = utf8('strongroom anchor 1');

/** The records of a key process, sealed, in one SQLite database. Opened by one process at a time. */
class SqliteStore implements Store {
  readonly #folder: string;
  readonly #database: DatabaseSync;
  readonly #recordKey: KeyObject;
  readonly #anchorKey: KeyObject;
  readonly #rows = new Map<string, Row>();
  #generation = 0;

  constructor(folder: string, masterKey: KeyObject, database: DatabaseSync) {
    this.#folder = folder;
    this.#database = database;
    this.#recordKey = deriveKey(masterKey, 'strongroom store records');
    this.#anchorKey = deriveKey(masterKey, 'strongroom store anchor');
  }

  get generation(): number {
    return this.#generation;
  }

  start(): void {
    this.#database.exec(
      'CREATE TABLE records (id TEXT PRIMARY KEY, version INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT; CREATE TABLE state (generation INTEGER NOT NULL) STRICT; INSERT INTO state VALUES (0)',
    );
    this.#writeAnchor([{ generation: 0, digest: this.#digest() }]);
  }

  load(): void {
    for (const row of this.#database.prepare('SELECT id, version, sealed FROM records').iterate()) {
      const { id, version, sealed } = row;
      if (
        typeof id !== 'string' ||
        typeof version !== 'number' ||
        !(sealed instanceof Uint8Array)
      ) {
        throw tampered('a record has a wrong form');
      }
      this.#rows.set(id, { version, sealed: new Uint8Array(sealed) });
    }
    const state = this.#database.prepare('SELECT generation FROM state').all();
    const generation = state[0]?.['generation'];
    if (state.length !== 1 || typeof generation !== 'number')
      throw tampered('its state is missing');
    this.#generation = generation;
    const digest = this.#digest();
    const fits = this.#readAnchor().some(
      (allowed) =>
        allowed.generation === generation && Buffer.compare(allowed.digest, digest) === 0,
    );
    if (!fits) throw tampered('the database is not the one that was written last');
  }

  *records(): Iterable<StoredRecord> {
    for (const [id, { version, sealed }] of this.#rows) {
      const body = unseal(this.#recordKey, recordAssociated(id, version), sealed);
      if (body === undefined) throw tampered('a record does not open');
      yield { id, version, body };
    }
  }

  commit(change: Change): void {
    const next = new Map(this.#rows);
    for (const { id, body } of change.put) {
      const version = (this.#rows.get(id)?.version ?? 0) + 1;
      next.set(id, { version, sealed: seal(this.#recordKey, recordAssociated(id, version), body) });
    }
    for (const id of change.remove) {
      if (!next.delete(id))
        throw new StoreError('STORE_NO_RECORD', 'there is no such record to remove');
    }
    const generation = this.#generation + 1;
    const coming = { generation, digest: digestOf(next) };
    this.#writeAnchor([{ generation: this.#generation, digest: this.#digest() }, coming]);
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const put = this.#database.prepare('INSERT OR REPLACE INTO records VALUES (?, ?, ?)');
      for (const { id } of change.put) {
        const row = next.get(id);
        if (row !== undefined) put.run(id, row.version, row.sealed);
      }
      const remove = this.#database.prepare('DELETE FROM records WHERE id = ?');
      for (const id of change.remove) remove.run(id);
      this.#database.prepare('UPDATE state SET generation = ?').run(generation);
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw new StoreError('STORE_WRITE_FAILED', 'the store could not be written', {
        mend: 'make room on the disk and try again',
        cause: error,
      });
    }
    this.#rows.clear();
    for (const [id, row] of next) this.#rows.set(id, row);
    this.#generation = generation;
    this.#writeAnchor([coming]);
  }

  close(): void {
    this.#database.close();
  }

  #digest(): Uint8Array {
    return digestOf(this.#rows);
  }

  #writeAnchor(allowed: readonly Allowed[]): void {
    const writer = new Writer().u8(allowed.length);
    for (const { generation, digest } of allowed) writer.u64(BigInt(generation)).bytes(digest);
    const sealed = seal(this.#anchorKey, ANCHOR_ASSOCIATED, writer.finish());
    const path = join(this.#folder, ANCHOR);
    // fsync is forbidden to this process; O_DSYNC has the kernel do it before write returns.
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_DSYNC;
    const file = openSync(`${path}.new`, flags, 0o600);
    try {
      writeSync(file, sealed);
    } finally {
      closeSync(file);
    }
    renameSync(`${path}.new`, path);
  }

  #readAnchor(): Allowed[] {
    let sealed: Uint8Array;
    try {
      sealed = readFileSync(join(this.#folder, ANCHOR));
    } catch (error) {
      throw new StoreError('STORE_TAMPERED', 'the anchor of the store is missing', {
        mend: 'put back store.db and anchor from the same backup',
        cause: error,
      });
    }
    const clear = unseal(this.#anchorKey, ANCHOR_ASSOCIATED, sealed);
    if (clear === undefined) throw tampered('its anchor does not open');
    const reader = new Reader(clear);
    return Array.from({ length: reader.u8() }, () => ({
      generation: Number(reader.u64()),
      digest: reader.bytes(32),
    }));
  }
}

/** SHA-256 over id, version and authentication tag of every record, in order of id. */
function digestOf(rows: ReadonlyMap<string, Row>): Uint8Array {
  const hash = createHash('sha256');
  for (const [id, { version, sealed }] of [...rows].sort((a, b) => (a[0] < b[0] ? -1 : 1))) {
    hash.update(`${id.length}:${id}:${version}:`);
    hash.update(sealed.subarray(sealed.length - TAG));
  }
  return hash.digest();
}

function tampered(what: string): StoreError {
  return new StoreError('STORE_TAMPERED', `the store was changed from outside: ${what}`, {
    mend: 'put back store.db and anchor from the same backup',
  });
}

function connect(folder: string): DatabaseSync {
  const database = new DatabaseSync(join(folder, DATABASE));
  database.exec(
    'PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA trusted_schema=OFF',
  );
  return database;
}

/** Whether a store was made in this folder. */
export function storeExists(folder: string): boolean {
  return existsSync(join(folder, DATABASE));
}

/** Makes an empty store. @throws {StoreError} when there is one already */
export function createStore(folder: string, masterKey: KeyObject): Store {
  if (storeExists(folder)) {
    throw new StoreError('STORE_EXISTS', 'there is a store in this folder already');
  }
  const store = new SqliteStore(folder, masterKey, connect(folder));
  store.start();
  return store;
}

/**
 * Opens a store and checks all of it.
 * @throws {StoreError} STORE_TAMPERED when anything was edited, swapped, removed or rolled back
 */
export function openStore(folder: string, masterKey: KeyObject): Store {
  let database: DatabaseSync | undefined;
  try {
    database = connect(folder);
    const store = new SqliteStore(folder, masterKey, database);
    store.load();
    return store;
  } catch (error) {
    database?.close();
    if (error instanceof StoreError) throw error;
    throw new StoreError('STORE_TAMPERED', 'the store is no readable database', {
      mend: 'put back store.db and anchor from the same backup',
      cause: error,
    });
  }
}
