import type { KeyObject } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { checkFiles, checkState, readAnchor, tryCopy } from './check.ts';
import { Connection } from './connection.ts';
import { createDisk } from './disk.ts';
import type { Disk } from './disk.ts';
import { StoreError, unopened, unwritten } from './errors.ts';
import { filesOf, lengthOf } from './files.ts';
import { SqliteStore, keysOf } from './sqlite-store.ts';
import type { Store } from './store.ts';

/** A full disk is no reason to refuse what is there: such a store is read and takes no change. */
function settleIfPossible(store: SqliteStore): void {
  try {
    store.settle();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
}

/** Whether a store was made in this folder. */
export function storeExists(folder: string): boolean {
  return existsSync(filesOf(folder).database);
}

/** Removes a store that was never finished: no master key opens it. */
export function removeStore(folder: string): void {
  const { database, log, anchor, trial, foreign } = filesOf(folder);
  for (const path of [database, log, anchor, trial, ...foreign]) rmSync(path, { force: true });
}

/** Makes an empty store. @throws {StoreError} STORE_EXISTS, STORE_WRITE_FAILED */
export function createStore(
  folder: string,
  masterKey: KeyObject,
  disk: Disk = createDisk(),
): Store {
  if (storeExists(folder)) {
    throw new StoreError('STORE_EXISTS', 'there is a store in this folder already');
  }
  const files = filesOf(folder);
  let connection: Connection | undefined;
  try {
    connection = new Connection(files.database, true);
    connection.fold();
    disk.sync(files.log);
    const store = new SqliteStore(files, disk, keysOf(masterKey), connection);
    store.settle();
    return store;
  } catch (error) {
    connection?.close();
    throw unwritten(error);
  }
}

/**
 * Opens a store and checks all of it. A store that is refused is left as it was.
 * @throws {StoreError} STORE_TAMPERED when anything was edited, swapped, removed or rolled back;
 *   STORE_UNREADABLE, STORE_IN_USE
 */
export function openStore(folder: string, masterKey: KeyObject, disk: Disk = createDisk()): Store {
  const files = filesOf(folder);
  const keys = keysOf(masterKey);
  let connection: Connection | undefined;
  let wasClosed = false;
  try {
    const anchor = readAnchor(files, keys);
    checkFiles(files, anchor);
    wasClosed = lengthOf(files.log) === 0;
    if (!wasClosed) tryCopy(files, anchor);
    connection = new Connection(files.database);
    const store = new SqliteStore(files, disk, keys, connection);
    checkState(store.state, anchor);
    const atRest = wasClosed && anchor.states.length === 1 && anchor.folded === undefined;
    if (!atRest) settleIfPossible(store);
    return store;
  } catch (error) {
    // Closing would fold a log that is left into the database: then it is for the next start.
    if (wasClosed) connection?.close();
    throw unopened(error);
  }
}
