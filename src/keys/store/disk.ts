import { closeSync, constants, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes of whole small files. A kill or a power cut at any moment leaves the old content or the new
 * one, never a part.
 */
export interface Disk {
  /** Replaces a file; the new content survives a power cut from when this returns. */
  replace(path: string, bytes: Uint8Array): void;
  /** The same without waiting for the folder: after a power cut the old content may be there. */
  replaceSoon(path: string, bytes: Uint8Array): void;
  /** Makes durable what a file or a folder is now. */
  sync(path: string): void;
}

function write(path: string, bytes: Uint8Array): void {
  // fsync is forbidden under the permission model; O_DSYNC has the kernel do it before write returns.
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_DSYNC;
  const file = openSync(`${path}.new`, flags, 0o600);
  try {
    let written = 0;
    while (written < bytes.length) written += writeSync(file, bytes, written);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
}

function syncByNode(path: string): void {
  const opened = openSync(path, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

/**
 * The file system.
 * @param sync makes a file or the names in a folder durable; Node's own fsync where none is given,
 *   which the permission model forbids
 */
export function createDisk(sync: (path: string) => void = syncByNode): Disk {
  return {
    replace(path, bytes) {
      write(path, bytes);
      sync(dirname(path));
    },
    replaceSoon: write,
    sync,
  };
}
