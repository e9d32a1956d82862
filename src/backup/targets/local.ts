import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { reasonOf } from '../../errors.ts';
import { TargetError } from '../errors.ts';
import type { TargetFault } from '../errors.ts';
import { bodyLength, checkRef, isObjectName, shortRef } from './target.ts';
import type { ObjectBody, ObjectInfo, ObjectKind, ObjectRef, Sweeping, Target } from './target.ts';

/** Where half-written objects are: beside the kinds, so that no listing meets them. */
const TEMPORARY = 'tmp';

const FAULTS: Readonly<Record<string, TargetFault>> = {
  ENOENT: 'absent',
  ENOTDIR: 'absent',
  EEXIST: 'exists',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  ENOSPC: 'full',
  EDQUOT: 'full',
  EFBIG: 'full',
  EINTR: 'busy',
  EAGAIN: 'busy',
  EBUSY: 'busy',
  EIO: 'busy',
  ESTALE: 'busy',
  ETIMEDOUT: 'busy',
  EMFILE: 'busy',
  ENFILE: 'busy',
};

/** errno of a failed call of the file system, or the empty string. */
function errnoOf(thrown: unknown): string {
  const code: unknown = thrown instanceof Error ? Reflect.get(thrown, 'code') : undefined;
  return typeof code === 'string' ? code : '';
}

function targetError(thrown: unknown, what: string): TargetError {
  if (thrown instanceof TargetError) return thrown;
  const fault = FAULTS[errnoOf(thrown)] ?? 'broken';
  return new TargetError(fault, `${what}: ${reasonOf(thrown)}`, {
    cause: thrown,
    ...(fault === 'full' ? { mend: 'free space there, then run it again' } : {}),
  });
}

/** Makes the names in a folder survive a power loss; file systems that cannot are let be. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'EPERM', 'EBADF'].includes(errnoOf(error))) throw error;
  } finally {
    await folder.close();
  }
}

/**
 * A repository in a folder: a disk, a network mount, or a folder that some service copies away.
 * The layout is restic's: `config`, `keys/`, `locks/`, `snapshots/`, `index/`, `data/xx/`.
 */
export class LocalTarget implements Target, Sweeping {
  readonly location: string;
  readonly service: string;
  readonly connections = 4;
  readonly #root: string;
  readonly #folders = new Map<string, Promise<void>>();
  #closed = false;

  /** @param folder made by `prepare` when it is not there */
  constructor(folder: string, service = 'local-disk') {
    this.#root = resolve(folder);
    this.location = this.#root;
    this.service = service;
  }

  #path(ref: ObjectRef): string {
    checkRef(ref);
    if (this.#closed) throw new TargetError('broken', 'the target is closed', { duty: 'internal' });
    if (ref.kind === 'config') return join(this.#root, 'config');
    if (ref.kind === 'data') return join(this.#root, 'data', ref.name.slice(0, 2), ref.name);
    return join(this.#root, ref.kind, ref.name);
  }

  async prepare(): Promise<void> {
    try {
      for (const kind of ['keys', 'locks', 'snapshots', 'index', 'data', TEMPORARY]) {
        await mkdir(join(this.#root, kind), { recursive: true, mode: 0o700 });
      }
      await syncFolder(this.#root);
      await syncFolder(dirname(this.#root));
    } catch (error) {
      throw targetError(error, `${this.location} cannot be made`);
    }
  }

  async list(kind: Exclude<ObjectKind, 'config'>): Promise<readonly ObjectInfo[]> {
    const folder = join(this.#root, kind);
    if (kind !== 'data') return await this.#listFolder(folder);
    const found: ObjectInfo[] = [];
    for (const name of await this.#names(folder)) {
      if (!/^[0-9a-f]{2}$/.test(name)) continue;
      for (const info of await this.#listFolder(join(folder, name))) {
        // An object in the folder of another cannot be reached by its name: it is not there.
        if (info.name.startsWith(name)) found.push(info);
      }
    }
    return found;
  }

  async #names(folder: string): Promise<string[]> {
    try {
      return await readdir(folder);
    } catch (error) {
      const failure = targetError(error, `${folder} cannot be listed`);
      if (failure.fault !== 'absent') throw failure;
      // A repository without this kind is one thing; a disk that is not plugged in another.
      await lstat(this.#root).catch((cause: unknown) => {
        throw targetError(cause, `${this.location} is not there`);
      });
      return [];
    }
  }

  async #listFolder(folder: string): Promise<ObjectInfo[]> {
    const found: ObjectInfo[] = [];
    const names = (await this.#names(folder)).filter(isObjectName);
    const BATCH = 64;
    for (let at = 0; at < names.length; at += BATCH) {
      const batch = names.slice(at, at + BATCH).map(async (name): Promise<ObjectInfo[]> => {
        try {
          const stat = await lstat(join(folder, name));
          return stat.isFile() ? [{ name, size: stat.size }] : [];
        } catch (error) {
          const failure = targetError(error, `${folder} cannot be listed`);
          if (failure.fault === 'absent') return [];
          throw failure;
        }
      });
      found.push(...(await Promise.all(batch)).flat());
    }
    return found;
  }

  async stat(ref: ObjectRef): Promise<number | undefined> {
    const path = this.#path(ref);
    try {
      const stat = await lstat(path);
      return stat.isFile() ? stat.size : undefined;
    } catch (error) {
      const failure = targetError(error, `${shortRef(ref)} cannot be looked at`);
      if (failure.fault === 'absent') return undefined;
      throw failure;
    }
  }

  /** Opens without following a link: what is not a file was not written by a repository. */
  async #open(ref: ObjectRef): Promise<FileHandle> {
    const path = this.#path(ref);
    try {
      return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) {
      throw targetError(error, `${shortRef(ref)} cannot be opened`);
    }
  }

  async load(ref: ObjectRef, limit: number): Promise<Uint8Array> {
    const file = await this.#open(ref);
    try {
      const { size } = await file.stat();
      if (size > limit) {
        throw new TargetError('oversize', `${shortRef(ref)} has ${size} bytes, over ${limit}`);
      }
      return await readFully(file, ref, 0, size);
    } catch (error) {
      throw targetError(error, `${shortRef(ref)} cannot be read`);
    } finally {
      await file.close();
    }
  }

  async read(ref: ObjectRef, offset: number, length: number): Promise<Uint8Array> {
    const file = await this.#open(ref);
    try {
      // The length may come from a damaged index: no memory before the file is known to have it.
      if (offset + length > (await file.stat()).size) throw short(ref);
      return await readFully(file, ref, offset, length);
    } catch (error) {
      throw targetError(error, `${shortRef(ref)} cannot be read`);
    } finally {
      await file.close();
    }
  }

  /** Makes a folder once per process and its name durable. */
  #folder(path: string): Promise<void> {
    let made = this.#folders.get(path);
    if (made === undefined) {
      made = (async () => {
        if ((await mkdir(path, { recursive: true, mode: 0o700 })) !== undefined) {
          await syncFolder(dirname(path));
        }
      })();
      this.#folders.set(path, made);
      made.catch(() => this.#folders.delete(path));
    }
    return made;
  }

  async put(ref: ObjectRef, body: ObjectBody): Promise<void> {
    const path = this.#path(ref);
    const temporary = join(this.#root, TEMPORARY, randomBytes(16).toHex());
    try {
      await this.#folder(dirname(temporary));
      await this.#folder(dirname(path));
      const file = await open(temporary, 'wx', 0o600);
      try {
        await writeFully(file, body);
        await file.datasync();
      } finally {
        await file.close();
      }
      await publish(temporary, path, ref);
      await syncFolder(dirname(path));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') this.#folders.clear();
      throw targetError(error, `${shortRef(ref)} cannot be written`);
    } finally {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  async remove(ref: ObjectRef): Promise<void> {
    const path = this.#path(ref);
    try {
      await rm(path, { force: true });
    } catch (error) {
      throw targetError(error, `${shortRef(ref)} cannot be removed`);
    }
  }

  async sweep(before: number): Promise<number> {
    const folder = join(this.#root, TEMPORARY);
    let swept = 0;
    for (const name of await this.#names(folder)) {
      if (!/^[0-9a-f]{32}$/.test(name)) continue;
      const path = join(folder, name);
      const stat = await lstat(path).catch(() => undefined);
      if (stat === undefined || !stat.isFile() || stat.mtimeMs >= before) continue;
      await rm(path, { force: true });
      swept++;
    }
    return swept;
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}

function short(ref: ObjectRef): TargetError {
  return new TargetError('short', `${shortRef(ref)} ends too early`);
}

async function readFully(
  file: FileHandle,
  ref: ObjectRef,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) throw short(ref);
    done += bytesRead;
  }
  return bytes;
}

async function writeFully(file: FileHandle, body: ObjectBody): Promise<void> {
  const length = bodyLength(body);
  let written = 0;
  // One call writes everything unless the disk is nearly full; what is left follows in order.
  let left: Uint8Array[] = body.filter((part) => part.length > 0);
  while (written < length) {
    // IOV_MAX is 1024 on Linux and macOS (writev(2)).
    const { bytesWritten } = await file.writev(left.slice(0, 1024));
    written += bytesWritten;
    let skip = bytesWritten;
    left = left.flatMap((part) => {
      const gone = Math.min(skip, part.length);
      skip -= gone;
      return gone === part.length ? [] : [part.subarray(gone)];
    });
  }
}

/** Gives a finished file its name, unless the name is taken. */
async function publish(temporary: string, path: string, ref: ObjectRef): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EEXIST') throw new TargetError('exists', `${shortRef(ref)} exists already`);
    // File systems without hard links (FAT, some network mounts): look, then rename.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EACCES'].includes(errno)) {
      throw error;
    }
    const taken = await lstat(path).then(
      () => true,
      () => false,
    );
    if (taken) throw new TargetError('exists', `${shortRef(ref)} exists already`);
    await rename(temporary, path);
  }
}
