import type { KeyObject } from 'node:crypto';
import { equalBytes } from '../../bytes/compare.ts';
import { utf8 } from '../../bytes/text.ts';
import { sealAnchor } from './anchor.ts';
import type { Anchor, StoreState } from './anchor.ts';
import type { Connection, SealedRow } from './connection.ts';
import type { Disk } from './disk.ts';
import { StoreError, tampered, unwritten } from './errors.ts';
import { FileDigest, digestOfFile, lengthOf, sha256 } from './files.ts';
import type { StoreFiles } from './files.ts';
import { RecordDigest } from './record-digest.ts';
import type { RecordMark } from './record-digest.ts';
import { deriveKey, seal, tagOf, unseal } from './sealing.ts';
import type { Change, Store, StoredRecord } from './store.ts';

/*
 * Construction. Every body is sealed with AES-256-GCM under a key derived from the master key, a
 * fresh random nonce, and its record's id and version as associated data: it can be neither edited
 * nor moved nor exchanged for an older one alone. The anchor, a sealed file beside the database,
 * holds a digest over all (id, version, tag) with the generation, so that no record can be removed,
 * added or rolled back, and a digest of every byte of the database and its log, so that not even a
 * byte that SQLite does not use can be changed.
 *
 * A commit writes the anchor with the present state and the coming one, then the log, then the
 * anchor with the new state alone: killed anywhere, the store is in one of the two. Folding the log
 * into the database first writes an anchor that knows the file before and after. A store that was
 * not closed is tried on a copy: one that is refused stays as it was found, byte for byte.
 *
 * Putting back the whole folder is not found without a counter in hardware.
 */

/** The log is folded into the database when it is longer than this and than the database. */
const FOLD_AT = 4 << 20;

export interface StoreKeys {
  readonly records: KeyObject;
  readonly anchor: KeyObject;
}

export function keysOf(masterKey: KeyObject): StoreKeys {
  return {
    records: deriveKey(masterKey, 'strongroom store records'),
    anchor: deriveKey(masterKey, 'strongroom store anchor'),
  };
}

function recordAssociated(id: string, version: number): Uint8Array {
  return utf8(`strongroom store 1\0${id}\0${version}`);
}

/** The records of a key process, sealed, in one SQLite database. Opened by one process at a time. */
export class SqliteStore implements Store {
  readonly #files: StoreFiles;
  readonly #disk: Disk;
  readonly #keys: StoreKeys;
  readonly #connection: Connection;
  readonly #records: RecordDigest;
  #generation: number;
  #database: Uint8Array;
  #databaseLength: number;
  #log: FileDigest;
  /** A write failed: only opening the store again tells what is on the disk. */
  #failed = false;

  constructor(files: StoreFiles, disk: Disk, keys: StoreKeys, connection: Connection) {
    this.#files = files;
    this.#disk = disk;
    this.#keys = keys;
    this.#connection = connection;
    this.#records = new RecordDigest(connection.marks());
    this.#generation = connection.generation();
    this.#database = digestOfFile(files.database);
    this.#databaseLength = lengthOf(files.database);
    this.#log = new FileDigest(files.log);
    this.#log.extendTo(connection.logLength());
  }

  get generation(): number {
    return this.#generation;
  }

  get state(): StoreState {
    return { generation: this.#generation, digest: this.#records.root };
  }

  *records(): Iterable<StoredRecord> {
    for (const { id, version, sealed } of this.#connection.rows()) {
      const body = unseal(this.#keys.records, recordAssociated(id, version), sealed);
      if (body === undefined) throw tampered('a record does not open');
      yield { id, version, body };
    }
  }

  commit(change: Change): void {
    if (this.#failed) throw unwritten(undefined);
    const put = this.#seal(change);
    const marks = new Map<string, RecordMark>();
    for (const { id, version, sealed } of put) marks.set(id, { version, tag: tagOf(sealed) });
    for (const id of change.remove) {
      if (this.#records.get(id) !== undefined) continue;
      throw new StoreError('STORE_NO_RECORD', 'there is no such record to remove');
    }
    const planned = this.#records.plan(marks, change.remove);
    const coming = { generation: this.#generation + 1, digest: planned.digest };
    try {
      this.#writeAnchor({ states: [this.state, coming] }, 'now');
    } catch (error) {
      // Nothing was begun: the anchor that is there still fits.
      throw unwritten(error);
    }
    this.#attempt(() => {
      this.#connection.write(put, change.remove, coming.generation);
      planned.apply();
      this.#generation = coming.generation;
      this.#log.extendTo(this.#connection.logLength());
      this.#writeAnchor({ states: [coming] }, 'soon');
      if (this.#log.length > Math.max(FOLD_AT, this.#databaseLength)) this.#fold();
    });
  }

  #seal(change: Change): SealedRow[] {
    return change.put.map(({ id, body }) => {
      const version = (this.#records.get(id)?.version ?? 0) + 1;
      return {
        id,
        version,
        sealed: seal(this.#keys.records, recordAssociated(id, version), body),
      };
    });
  }

  close(): void {
    // SQLite would fold what is left by itself, and the anchor would not know: then it stays open.
    if (this.#failed) throw unwritten(undefined);
    this.settle();
    this.#connection.close();
  }

  /**
   * Brings the files to rest: nothing in the log, and an anchor that knows one state.
   * @throws {StoreError} STORE_WRITE_FAILED; the store can then be read, and takes no change
   */
  settle(): void {
    this.#attempt(() => {
      // Also where the log holds no commit but the beginning of one that was cut off.
      if (lengthOf(this.#files.log) > 0) this.#fold();
      else this.#writeAnchor({ states: [this.state] }, 'now');
    });
  }

  #fold(): void {
    const folded = sha256(this.#connection.image());
    const states = [this.state] as const;
    this.#writeAnchor({ states, folded }, 'now');
    this.#connection.fold();
    // SQLite empties the log without syncing that: the anchor must not be there before.
    this.#disk.sync(this.#files.log);
    this.#database = digestOfFile(this.#files.database);
    this.#databaseLength = lengthOf(this.#files.database);
    if (!equalBytes(this.#database, folded)) throw new Error('the database was folded otherwise');
    this.#log = new FileDigest(this.#files.log);
    this.#writeAnchor({ states }, 'soon');
  }

  #writeAnchor(
    anchor: Pick<Anchor, 'states'> & { readonly folded?: Uint8Array },
    durable: 'now' | 'soon',
  ): void {
    const sealed = sealAnchor(this.#keys.anchor, {
      states: anchor.states,
      database: this.#database,
      folded: anchor.folded,
      log: { length: this.#log.length, digest: this.#log.digest },
    });
    if (durable === 'now') this.#disk.replace(this.#files.anchor, sealed);
    else this.#disk.replaceSoon(this.#files.anchor, sealed);
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#failed = true;
      throw unwritten(error);
    }
  }
}
