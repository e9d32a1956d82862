import { randomBytes } from 'node:crypto';
import { BytesError } from '../../../bytes/reader.ts';
import { utf8 } from '../../../bytes/text.ts';
import type { Writer } from '../../../bytes/writer.ts';
import { TargetError } from '../../errors.ts';
import { layoutPath } from '../layout.ts';
import type { OpenOptions } from '../open.ts';
import { checkRef, isObjectName, shortRef } from '../target.ts';
import type { ObjectBody, ObjectInfo, ObjectKind, ObjectRef, Sweeping, Target } from '../target.ts';
import { sftpLocation } from './location.ts';
import type { SftpLocation } from './location.ts';
import { SftpSession, SftpStatus } from './session.ts';
import { FX, FXF, FXP, MAX_PACKET, readAttributes, writeAttributes } from './wire/packet.ts';
import type { Attributes } from './wire/packet.ts';

const TIMEOUT = 120_000;
/** Bytes of one READ or WRITE: what every server takes (section 6.4). */
const BLOCK = 32 << 10;
/** Blocks under way at once: a megabyte hides the way of most networks. */
const WINDOW = 32;
const TEMPORARY = 'tmp';
const FSYNC = 'fsync@openssh.com';
const TYPE_MASK = 0o170_000;
const FOLDER = 0o040_000;
const FILE = 0o100_000;

interface Entry extends Attributes {
  readonly name: string;
}

/** A repository in a folder that is reached by SFTP, in restic's default layout. */
export class SftpTarget implements Target, Sweeping {
  readonly location: string;
  readonly service: string;
  readonly connections = 4;
  readonly #at: SftpLocation;
  readonly #timeout: number;
  readonly #folders = new Map<string, Promise<void>>();
  #session: Promise<SftpSession> | undefined;
  #closed = false;

  /** @param text `user@host:path` or `//user@host:port/path` */
  constructor(text: string, options: OpenOptions = {}) {
    this.#at = sftpLocation(text, options.environment ?? {});
    this.#timeout = options.timeout ?? TIMEOUT;
    this.location = `sftp:${text}`;
    this.service = options.service ?? this.#at.host;
  }

  /** The session, a new one when the last has ended. */
  async #open(): Promise<SftpSession> {
    if (this.#closed) throw new TargetError('broken', 'the target is closed', { duty: 'internal' });
    const running = await this.#session?.catch(() => undefined);
    if (running !== undefined && !running.ended) return running;
    // Several callers may find the old one ended: the first of them starts the new one for all.
    if (running !== undefined || this.#session === undefined) this.#session = this.#connect();
    try {
      return await this.#session;
    } catch (error) {
      this.#session = undefined;
      throw error;
    }
  }

  async #connect(): Promise<SftpSession> {
    const session = new SftpSession(this.#at.command, this.#at.host, this.#timeout);
    try {
      await session.start();
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  /** @throws {TargetError} only */
  async #with<Result>(
    what: string,
    work: (session: SftpSession) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await work(await this.#open());
    } catch (error) {
      throw targetError(error, what);
    }
  }

  #full(path: string): Uint8Array {
    return utf8(path === '' ? this.#at.path : `${this.#at.path}/${path}`);
  }

  #path(ref: ObjectRef): string {
    checkRef(ref);
    return layoutPath(ref);
  }

  async prepare(): Promise<void> {
    await this.#with(`${this.location} cannot be made`, async (session) => {
      await makeFolder(session, this.#full(''));
      for (const kind of ['keys', 'locks', 'snapshots', 'index', 'data', TEMPORARY]) {
        await makeFolder(session, this.#full(kind));
      }
    });
  }

  #folder(session: SftpSession, path: string): Promise<void> {
    const known = this.#folders.get(path);
    if (known !== undefined) return known;
    const made = makeFolder(session, this.#full(path));
    this.#folders.set(path, made);
    made.catch(() => this.#folders.delete(path));
    return made;
  }

  async #entries(session: SftpSession, path: string): Promise<Entry[]> {
    const full = this.#full(path);
    const handle = await openHandle(session, FXP.OPENDIR, (writer) => writer.bytes32(full));
    const found: Entry[] = [];
    try {
      for (;;) {
        const reader = await session.request(FXP.READDIR, FXP.NAME, (writer) =>
          writer.bytes32(handle),
        );
        for (let left = reader.u32(); left > 0; left--) {
          const name = Buffer.from(reader.bytes32(MAX_PACKET)).toString('latin1');
          reader.bytes32(MAX_PACKET);
          found.push({ name, ...readAttributes(reader) });
        }
      }
    } catch (error) {
      if (error instanceof SftpStatus && error.status === FX.EOF) return found;
      throw error;
    } finally {
      await closeHandle(session, handle);
    }
  }

  async #objects(session: SftpSession, path: string): Promise<ObjectInfo[]> {
    const entries = await this.#entries(session, path).catch((error: unknown) => {
      if (isAbsent(error)) return [];
      throw error;
    });
    return entries.flatMap(({ name, size, mode }) =>
      isObjectName(name) && size !== undefined && typeOf(mode) === FILE ? [{ name, size }] : [],
    );
  }

  async list(kind: Exclude<ObjectKind, 'config'>): Promise<readonly ObjectInfo[]> {
    return await this.#with(`${kind} cannot be listed`, async (session) => {
      // A repository without this kind is one thing; a storage that is not there another.
      await session.request(FXP.LSTAT, FXP.ATTRS, (writer) => writer.bytes32(this.#full('')));
      if (kind !== 'data') return await this.#objects(session, kind);
      const folders = await this.#entries(session, 'data').catch((error: unknown) => {
        if (isAbsent(error)) return [];
        throw error;
      });
      const found: ObjectInfo[] = [];
      for (const { name, mode } of folders) {
        if (typeOf(mode) !== FOLDER || !/^[0-9a-f]{2}$/.test(name)) continue;
        const objects = await this.#objects(session, `data/${name}`);
        found.push(...objects.filter((each) => each.name.startsWith(name)));
      }
      return found;
    });
  }

  async stat(ref: ObjectRef): Promise<number | undefined> {
    const path = this.#path(ref);
    return await this.#with(`${shortRef(ref)} cannot be looked at`, (session) =>
      sizeOf(session, this.#full(path)),
    );
  }

  async load(ref: ObjectRef, limit: number): Promise<Uint8Array> {
    const path = this.#path(ref);
    return await this.#with(`${shortRef(ref)} cannot be read`, async (session) => {
      const size = await sizeOf(session, this.#full(path));
      if (size === undefined) throw new SftpStatus(FX.NO_SUCH_FILE, 'no such file');
      if (size > limit) {
        throw new TargetError('oversize', `${shortRef(ref)} has ${size} bytes, over ${limit}`);
      }
      return await this.#readRange(session, ref, path, 0, size);
    });
  }

  async read(ref: ObjectRef, offset: number, length: number): Promise<Uint8Array> {
    const path = this.#path(ref);
    return await this.#with(`${shortRef(ref)} cannot be read`, async (session) => {
      const size = await sizeOf(session, this.#full(path));
      if (size === undefined) throw new SftpStatus(FX.NO_SUCH_FILE, 'no such file');
      // The length may come from a damaged index: no memory before the file is known to have it.
      if (offset + length > size) throw short(ref);
      return await this.#readRange(session, ref, path, offset, length);
    });
  }

  async #readRange(
    session: SftpSession,
    ref: ObjectRef,
    path: string,
    offset: number,
    length: number,
  ): Promise<Uint8Array> {
    const handle = await openHandle(session, FXP.OPEN, (writer) =>
      writeAttributes(writer.bytes32(this.#full(path)).u32(FXF.READ)),
    );
    const bytes = new Uint8Array(length);
    const block = async (from: number): Promise<void> => {
      const to = Math.min(from + BLOCK, length);
      for (let at = from; at < to;) {
        const reader = await session.request(FXP.READ, FXP.DATA, (writer) =>
          writer
            .bytes32(handle)
            .u64(BigInt(offset + at))
            .u32(to - at),
        );
        const data = reader.bytes32(to - at);
        if (data.length === 0) throw short(ref);
        bytes.set(data, at);
        at += data.length;
      }
    };
    try {
      await inWindow(Math.ceil(length / BLOCK), (index) => block(index * BLOCK));
      return bytes;
    } catch (error) {
      throw error instanceof SftpStatus && error.status === FX.EOF ? short(ref) : error;
    } finally {
      await closeHandle(session, handle);
    }
  }

  async put(ref: ObjectRef, body: ObjectBody): Promise<void> {
    const path = this.#path(ref);
    await this.#with(`${shortRef(ref)} cannot be written`, async (session) => {
      if ((await sizeOf(session, this.#full(path))) !== undefined) throw taken(ref);
      try {
        await this.#folder(session, TEMPORARY);
        if (ref.kind === 'data') await this.#folder(session, `data/${ref.name.slice(0, 2)}`);
        else if (ref.kind !== 'config') await this.#folder(session, ref.kind);
        await this.#write(session, ref, path, body);
      } catch (error) {
        // A folder that somebody removed meanwhile is made again at the next try.
        if (isAbsent(error)) this.#folders.clear();
        throw error;
      }
    });
  }

  async #write(session: SftpSession, ref: ObjectRef, path: string, body: ObjectBody) {
    const temporary = this.#full(`${TEMPORARY}/${randomBytes(16).toHex()}`);
    const handle = await openHandle(session, FXP.OPEN, (writer) =>
      writeAttributes(
        writer.bytes32(temporary).u32(FXF.WRITE | FXF.CREAT | FXF.EXCL), // never an old file
        0o600,
      ),
    );
    try {
      const blocks = blocksOf(body);
      await inWindow(blocks.length, async (index) => {
        const { at, bytes } = blocks[index] as { at: number; bytes: Uint8Array };
        await session.act(FXP.WRITE, (writer) =>
          writer.bytes32(handle).u64(BigInt(at)).bytes32(bytes),
        );
      });
      if (session.has(FSYNC)) await session.extended(FSYNC, (writer) => writer.bytes32(handle));
    } catch (error) {
      await closeHandle(session, handle);
      await removeFile(session, temporary).catch(() => undefined);
      throw error;
    }
    await closeHandle(session, handle);
    try {
      // Version 3 renames only to a name that is free (section 6.5).
      await session.act(FXP.RENAME, (writer) =>
        writer.bytes32(temporary).bytes32(this.#full(path)),
      );
    } catch (error) {
      await removeFile(session, temporary).catch(() => undefined);
      if ((await sizeOf(session, this.#full(path))) !== undefined) throw taken(ref);
      throw error;
    }
  }

  async remove(ref: ObjectRef): Promise<void> {
    const path = this.#path(ref);
    await this.#with(`${shortRef(ref)} cannot be removed`, (session) =>
      removeFile(session, this.#full(path)),
    );
  }

  async sweep(before: number): Promise<number> {
    return await this.#with('broken writes cannot be removed', async (session) => {
      let swept = 0;
      for (const { name, mode, modified } of await this.#entries(session, TEMPORARY)) {
        if (typeOf(mode) !== FILE || !/^[0-9a-f]{32}$/.test(name)) continue;
        if (modified === undefined || modified * 1000 >= before) continue;
        await removeFile(session, this.#full(`${TEMPORARY}/${name}`));
        swept++;
      }
      return swept;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    (await this.#session?.catch(() => undefined))?.close();
  }
}

function typeOf(mode: number | undefined): number {
  return (mode ?? 0) & TYPE_MASK;
}

function short(ref: ObjectRef): TargetError {
  return new TargetError('short', `${shortRef(ref)} ends too early`);
}

function taken(ref: ObjectRef): TargetError {
  return new TargetError('exists', `${shortRef(ref)} exists already`);
}

function isAbsent(error: unknown): boolean {
  return error instanceof SftpStatus && error.status === FX.NO_SUCH_FILE;
}

function targetError(thrown: unknown, what: string): TargetError {
  if (thrown instanceof TargetError) return thrown;
  if (thrown instanceof SftpStatus) {
    const fault =
      thrown.status === FX.NO_SUCH_FILE
        ? 'absent'
        : thrown.status === FX.PERMISSION_DENIED
          ? 'denied'
          : 'busy';
    return new TargetError(fault, `${what}: ${thrown.message}`, { cause: thrown });
  }
  const text = thrown instanceof BytesError ? 'the answer is malformed' : String(thrown);
  return new TargetError('broken', `${what}: ${text}`, { cause: thrown });
}

async function openHandle(
  session: SftpSession,
  type: number,
  fill: (writer: Writer) => Writer,
): Promise<Uint8Array> {
  const reader = await session.request(type, FXP.HANDLE, fill);
  return reader.bytes32(256).slice();
}

async function closeHandle(session: SftpSession, handle: Uint8Array): Promise<void> {
  await session.act(FXP.CLOSE, (writer) => writer.bytes32(handle)).catch(() => undefined);
}

async function removeFile(session: SftpSession, path: Uint8Array): Promise<void> {
  await session
    .act(FXP.REMOVE, (writer) => writer.bytes32(path))
    .catch((error: unknown) => {
      if (!isAbsent(error)) throw error;
    });
}

/** Size of a file, not of what a link points to; `undefined` when there is none. */
async function sizeOf(session: SftpSession, path: Uint8Array): Promise<number | undefined> {
  try {
    const reader = await session.request(FXP.LSTAT, FXP.ATTRS, (writer) => writer.bytes32(path));
    const { size, mode } = readAttributes(reader);
    return typeOf(mode) === FILE ? size : undefined;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

async function makeFolder(session: SftpSession, path: Uint8Array): Promise<void> {
  try {
    await session.act(FXP.MKDIR, (writer) => writeAttributes(writer.bytes32(path), 0o700));
  } catch (error) {
    // Version 3 has no status for "exists already".
    const reader = await session
      .request(FXP.LSTAT, FXP.ATTRS, (writer) => writer.bytes32(path))
      .catch(() => undefined);
    if (reader === undefined || typeOf(readAttributes(reader).mode) !== FOLDER) throw error;
  }
}

function blocksOf(body: ObjectBody): { at: number; bytes: Uint8Array }[] {
  const blocks: { at: number; bytes: Uint8Array }[] = [];
  let at = 0;
  for (const part of body) {
    for (let from = 0; from < part.length; from += BLOCK) {
      const bytes = part.subarray(from, from + BLOCK);
      blocks.push({ at, bytes });
      at += bytes.length;
    }
  }
  return blocks;
}

/** Runs `count` pieces of work, `WINDOW` of them at a time. */
async function inWindow(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const runner = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(WINDOW, count) }, runner));
}
