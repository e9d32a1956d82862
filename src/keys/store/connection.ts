import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { tampered } from './errors.ts';
import type { RecordMark } from './record-digest.ts';
import { NONCE_BYTES, TAG_BYTES, tagOf } from './sealing.ts';

/** A record as it lies in the database. */
export interface SealedRow {
  readonly id: string;
  readonly version: number;
  readonly sealed: Uint8Array;
}

/** Bytes of the log's header, and of the header of each page in it (SQLite file format, 4.1). */
const LOG_HEADER = 32;
const LOG_FRAME = 24;
const PAGE = 4096;

/**
 * What SQLite must not close by itself, when it is collected or the program ends: it would fold the
 * log into the database behind the anchor's back. `process.exit` runs no destructors.
 */
const open = new Set<DatabaseSync>();
process.on('exit', () => {
  if (open.size > 0) process.exit();
});

/**
 * The SQL of a store. Its log is never folded into the database but by `fold`, so that between two
 * folds the database file does not change and the log only grows.
 */
export class Connection {
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;
  readonly #count: StatementSync;

  /** @param make whether the tables are to be made */
  constructor(path: string, make = false) {
    this.#database = new DatabaseSync(path);
    open.add(this.#database);
    try {
      this.#database.exec(
        `PRAGMA page_size=${PAGE}; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA secure_delete=ON; PRAGMA trusted_schema=OFF`,
      );
      if (make) {
        this.#database.exec(
          'BEGIN; CREATE TABLE records (id TEXT PRIMARY KEY, version INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT; CREATE TABLE state (generation INTEGER NOT NULL) STRICT; INSERT INTO state VALUES (0); COMMIT',
        );
      }
      this.#put = this.#database.prepare('INSERT OR REPLACE INTO records VALUES (?, ?, ?)');
      this.#remove = this.#database.prepare('DELETE FROM records WHERE id = ?');
      this.#count = this.#database.prepare('UPDATE state SET generation = ?');
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** @throws {StoreError} STORE_TAMPERED when a row has not the form of a record */
  *rows(): Iterable<SealedRow> {
    for (const row of this.#database.prepare('SELECT id, version, sealed FROM records').iterate()) {
      const { id, version, sealed } = row;
      if (
        typeof id !== 'string' ||
        typeof version !== 'number' ||
        !(sealed instanceof Uint8Array) ||
        sealed.length < NONCE_BYTES + TAG_BYTES
      ) {
        throw tampered('a record has a wrong form');
      }
      yield { id, version, sealed };
    }
  }

  /** What stands for each record in the digest. */
  *marks(): Iterable<readonly [string, RecordMark]> {
    for (const { id, version, sealed } of this.rows()) {
      yield [id, { version, tag: new Uint8Array(tagOf(sealed)) }];
    }
  }

  /** @throws {StoreError} STORE_TAMPERED when there is not exactly one */
  generation(): number {
    const rows = this.#database.prepare('SELECT generation FROM state').all();
    const generation = rows[0]?.['generation'];
    if (rows.length === 1 && typeof generation === 'number') return generation;
    throw tampered('its state is missing');
  }

  /** One transaction, durable when it returns; nothing of it is there when it throws. */
  write(put: readonly SealedRow[], remove: readonly string[], generation: number): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      for (const { id, version, sealed } of put) this.#put.run(id, version, sealed);
      for (const id of remove) this.#remove.run(id);
      this.#count.run(generation);
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  /** Bytes of the log that hold commits. */
  logLength(): number {
    const [row] = this.#database.prepare('PRAGMA wal_checkpoint=NOOP').all();
    const frames = Number(row?.['log'] ?? 0);
    return frames <= 0 ? 0 : LOG_HEADER + frames * (LOG_FRAME + PAGE);
  }

  /** The database file as `fold` will leave it. */
  image(): Uint8Array {
    return this.#database.serialize();
  }

  /** Moves the log into the database file and empties it. */
  fold(): void {
    const [row] = this.#database.prepare('PRAGMA wal_checkpoint=TRUNCATE').all();
    if (row?.['busy'] !== 0) throw new Error('the log could not be folded into the database');
  }

  /** SQLite folds the log into the database here, if one is left. */
  close(): void {
    this.#database.close();
    open.delete(this.#database);
  }
}
