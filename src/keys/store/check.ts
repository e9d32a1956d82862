import { copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { equalBytes } from '../../bytes/compare.ts';
import { openAnchor } from './anchor.ts';
import type { Anchor, StoreState } from './anchor.ts';
import { Connection } from './connection.ts';
import { tampered } from './errors.ts';
import { FileDigest, digestOfFile, lengthOf, sha256 } from './files.ts';
import type { StoreFiles } from './files.ts';
import { RecordDigest } from './record-digest.ts';
import type { StoreKeys } from './sqlite-store.ts';

/** @throws {StoreError} STORE_TAMPERED when there is none under this key */
export function readAnchor(files: StoreFiles, keys: StoreKeys): Anchor {
  if (!existsSync(files.anchor)) throw tampered('its anchor is missing');
  const anchor = openAnchor(keys.anchor, readFileSync(files.anchor));
  if (anchor === undefined) throw tampered('its anchor does not open');
  return anchor;
}

/** Holds the bytes of the files against the anchor, before SQLite sees them. */
export function checkFiles(files: StoreFiles, anchor: Anchor): void {
  if (!existsSync(files.database)) throw tampered('store.db is missing');
  for (const each of files.foreign) {
    if (existsSync(each)) throw tampered('there is a journal that it does not write');
  }
  const database = digestOfFile(files.database);
  const { folded } = anchor;
  const logLength = lengthOf(files.log);
  if (logLength === 0 && folded !== undefined && equalBytes(database, folded)) return;
  // While the log is being folded in, the database is between the two; the trial tells.
  if (folded === undefined && !equalBytes(database, anchor.database)) {
    throw tampered('the database is not the one that was written last');
  }
  const log = new FileDigest(files.log);
  if (logLength > 0) log.extendTo(anchor.log.length);
  if (log.length !== anchor.log.length || !equalBytes(log.digest, anchor.log.digest)) {
    throw tampered('its log is not the one that was written last');
  }
  // Behind it lies what a commit that was cut off began, until the log is folded and emptied.
  const isAtRest = anchor.states.length === 1 && folded === undefined;
  if (logLength > anchor.log.length && isAtRest) {
    throw tampered('its log is longer than what was written');
  }
}

/** Looks through a copy of a store that was not closed: opening it for good would change it. */
export function tryCopy(files: StoreFiles, anchor: Anchor): void {
  const trialFiles = [files.trial, `${files.trial}-wal`, `${files.trial}-journal`];
  const clear = (): void => trialFiles.forEach((path) => rmSync(path, { force: true }));
  clear();
  try {
    copyFileSync(files.database, files.trial);
    copyFileSync(files.log, `${files.trial}-wal`);
    const connection = new Connection(files.trial);
    try {
      const records = new RecordDigest(connection.marks());
      checkState({ generation: connection.generation(), digest: records.root }, anchor);
      if (anchor.folded === undefined) return;
      if (equalBytes(sha256(connection.image()), anchor.folded)) return;
      throw tampered('the database is not the one that was written last');
    } finally {
      connection.close();
    }
  } finally {
    clear();
  }
}

/** @throws {StoreError} STORE_TAMPERED when the anchor does not know this state */
export function checkState(state: StoreState, anchor: Anchor): void {
  const known = anchor.states.some(
    ({ generation, digest }) => generation === state.generation && equalBytes(digest, state.digest),
  );
  if (!known) throw tampered('the records are not the ones that were written last');
}
