import type { KeyObject } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { KeysError } from './errors.ts';
import { makeSeal, sealKind } from './seal/seals.ts';
import type { Disk } from './store/disk.ts';
import { createStore, removeStore, storeExists } from './store/sqlite.ts';
import { TOKEN_RECORD } from './vault.ts';

export interface NewStrongroom {
  /** The first state of the token, sealed into the store. */
  readonly token: Uint8Array;
  /** Seals the master key; a file beside the store where there is none. */
  readonly passphrase: Uint8Array | undefined;
}

/** Is there while a strongroom is being made. */
function marker(folder: string): string {
  return join(folder, 'unfinished');
}

/**
 * Makes a strongroom in a folder. Killed at any moment it is there whole, or the next call begins
 * anew: the seal is written last, and what lies there without one beside the mark of a beginning is
 * of no use to anybody.
 * @throws {KeysError} ACTION_PROHIBITED when there is one
 */
export async function makeStrongroom(
  folder: string,
  disk: Disk,
  made: NewStrongroom,
): Promise<KeyObject> {
  const kind = sealKind(folder);
  if (existsSync(marker(folder)) && kind === undefined) {
    removeStore(folder);
    rmSync(join(folder, 'master.key'), { force: true });
  } else if (kind !== undefined || storeExists(folder)) {
    throw new KeysError('ACTION_PROHIBITED', 'a strongroom exists in this home already', {
      mend: 'set STRONGROOM_HOME to another folder to make a second one',
    });
  }
  disk.replace(marker(folder), new Uint8Array());
  const seal = await makeSeal(folder, made.passphrase, disk);
  const store = createStore(folder, seal.masterKey, disk);
  store.commit({ put: [{ id: TOKEN_RECORD, body: made.token }], remove: [] });
  store.close();
  seal.write();
  rmSync(marker(folder), { force: true });
  return seal.masterKey;
}
