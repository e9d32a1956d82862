// Stores in temporary folders, their contents and copies of them at a moment.
import { createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utf8 } from '../../src/bytes/text.ts';
import { createDisk } from '../../src/keys/store/disk.ts';
import type { Disk } from '../../src/keys/store/disk.ts';
import { openStore } from '../../src/keys/store/sqlite.ts';
import type { Store } from '../../src/keys/store/store.ts';

export const masterKey: KeyObject = createSecretKey(Buffer.alloc(32, 7));

export interface Folder extends Disposable {
  readonly path: string;
}

/** In memory where that is possible: thousands are made, and none has to outlive a power cut. */
const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export function temporaryFolder(): Folder {
  const path = mkdtempSync(join(base, 'strongroom-store-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** The folder as it is now, in a new one: what a kill at this moment would leave. */
export function copyOf(folder: string): Folder {
  const copy = temporaryFolder();
  for (const name of readdirSync(folder)) copyFileSync(join(folder, name), join(copy.path, name));
  return copy;
}

/** Every file by name, to be compared. */
export function bytesOfFolder(folder: string): Map<string, string> {
  const names = readdirSync(folder).sort();
  return new Map(names.map((name) => [name, readFileSync(join(folder, name)).toString('base64')]));
}

/** Id and clear body of every record. */
export function contents(store: Store): Map<string, string> {
  return new Map([...store.records()].map(({ id, body }) => [id, Buffer.from(body).toString()]));
}

/** Opens, reads and closes. */
export function contentsOf(folder: string): Map<string, string> {
  const store = openStore(folder, masterKey);
  const found = contents(store);
  store.close();
  return found;
}

export function put(store: Store, records: Readonly<Record<string, string>>): void {
  const entries = Object.entries(records);
  store.commit({ put: entries.map(([id, body]) => ({ id, body: utf8(body) })), remove: [] });
}

/** Calls back at every moment at which a kill could leave the anchor different. */
export function watchedDisk(onMoment: (name: string) => void): Disk {
  const disk = createDisk();
  return {
    replace(path, bytes) {
      onMoment('before');
      disk.replace(path, bytes);
      onMoment('after');
    },
    replaceSoon(path, bytes) {
      onMoment('before soon');
      disk.replaceSoon(path, bytes);
      onMoment('after soon');
    },
    sync: (path) => disk.sync(path),
  };
}

/** Runs `work` with one byte of a file changed by `mask`, and puts it back. */
export function withChangedByte(path: string, at: number, mask: number, work: () => void): void {
  const file = openSync(path, 'r+');
  const byte = new Uint8Array(1);
  try {
    readSync(file, byte, 0, 1, at);
    const changed = Uint8Array.of((byte[0] as number) ^ mask);
    writeSync(file, changed, 0, 1, at);
    work();
  } finally {
    writeSync(file, byte, 0, 1, at);
    closeSync(file);
  }
}
