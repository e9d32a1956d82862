import { randomBytes } from 'node:crypto';
import { TargetError } from '../errors.ts';
import { statusError } from './http/call.ts';
import type { HttpAnswer } from './http/call.ts';
import { HTTP_CONNECTIONS, httpLocation } from './http/location.ts';
import type { HttpLocation } from './http/location.ts';
import { childText, descendants, xmlRoot } from './http/xml.ts';
import { layoutPath } from './layout.ts';
import type { OpenOptions } from './open.ts';
import { checkRef, isObjectName, shortRef } from './target.ts';
import type { ObjectBody, ObjectInfo, ObjectKind, ObjectRef, Sweeping, Target } from './target.ts';

const LIST_LIMIT = 256 << 20;
const RANGE_LIMIT = 512 << 20;
const SMALL = 1 << 20;
const TEMPORARY = 'tmp';
const PROPFIND = Buffer.from(
  '<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop>' +
    '<resourcetype/><getcontentlength/><getlastmodified/></prop></propfind>',
);

interface Entry {
  readonly name: string;
  readonly folder: boolean;
  readonly size: number;
  /** ms since 1970. */
  readonly modified: number;
}

/**
 * A repository behind WebDAV (RFC 4918), in restic's default layout. An object is put under a
 * random name and then moved to its own without overwriting, so that a broken upload is never
 * taken for an object.
 */
export class WebDavTarget implements Target, Sweeping {
  readonly location: string;
  readonly service: string;
  readonly connections: number = HTTP_CONNECTIONS;
  readonly #at: HttpLocation;
  readonly #folders = new Map<string, Promise<void>>();

  /** @param url `https://[user[:password]@]host/path/` */
  constructor(url: string, options: OpenOptions = {}) {
    this.#at = httpLocation(url, options);
    this.location = `webdav:${this.#at.base.href}`;
    this.service = options.service ?? this.#at.base.hostname;
  }

  #url(path: string): URL {
    return new URL(path, this.#at.base);
  }

  #path(ref: ObjectRef): string {
    checkRef(ref);
    return layoutPath(ref);
  }

  async #call(
    method: string,
    path: string,
    more: { headers?: Record<string, string>; body?: ObjectBody; limit?: number } = {},
  ): Promise<HttpAnswer> {
    const { authorization, caller } = this.#at;
    return await caller.call({
      method,
      url: this.#url(path),
      limit: more.limit ?? SMALL,
      headers: { ...(authorization === undefined ? {} : { authorization }), ...more.headers },
      ...(more.body === undefined ? {} : { body: more.body }),
    });
  }

  async #makeFolder(path: string): Promise<void> {
    const { status } = await this.#call('MKCOL', path);
    // 405: it is there already (RFC 4918, 9.3.1).
    if (status === 201 || status === 200 || status === 405) return;
    throw statusError(status, `${this.location}${path} cannot be made`);
  }

  async prepare(): Promise<void> {
    await this.#makeFolder('');
    for (const kind of ['keys', 'locks', 'snapshots', 'index', 'data', TEMPORARY]) {
      await this.#makeFolder(`${kind}/`);
    }
  }

  /** Makes a folder once per process. */
  #folder(path: string): Promise<void> {
    const known = this.#folders.get(path);
    if (known !== undefined) return known;
    const made = this.#makeFolder(path);
    this.#folders.set(path, made);
    made.catch(() => this.#folders.delete(path));
    return made;
  }

  async #entries(path: string): Promise<Entry[] | undefined> {
    const { status, body } = await this.#call('PROPFIND', path, {
      headers: { depth: '1', 'content-type': 'application/xml; charset="utf-8"' },
      body: [PROPFIND],
      limit: LIST_LIMIT,
    });
    if (status === 404) return undefined;
    if (status !== 207) throw statusError(status, `${path} cannot be listed`);
    const self = this.#url(path).pathname;
    const found: Entry[] = [];
    for (const response of descendants(xmlRoot(body, `${path} cannot be listed`), 'response')) {
      const href = childText(response, 'href') ?? '';
      const at = URL.canParse(href, this.#at.base) ? new URL(href, this.#at.base).pathname : '';
      if (!at.startsWith(self) || at === self) continue;
      const name = at.slice(self.length).replace(/\/$/, '');
      const [length] = descendants(response, 'getcontentlength');
      const [modified] = descendants(response, 'getlastmodified');
      found.push({
        name,
        folder: descendants(response, 'collection').length > 0,
        size: Number(length?.text.trim() ?? Number.NaN),
        modified: Date.parse(modified?.text ?? ''),
      });
    }
    return found;
  }

  async #objects(path: string): Promise<ObjectInfo[]> {
    const entries = (await this.#entries(path)) ?? [];
    return entries
      .filter(({ name, folder, size }) => !folder && isObjectName(name) && size >= 0)
      .map(({ name, size }) => ({ name, size }));
  }

  async list(kind: Exclude<ObjectKind, 'config'>): Promise<readonly ObjectInfo[]> {
    if (kind !== 'data') return await this.#objects(`${kind}/`);
    const folders = ((await this.#entries('data/')) ?? []).filter(
      ({ name, folder }) => folder && /^[0-9a-f]{2}$/.test(name),
    );
    const found: ObjectInfo[] = [];
    for (let at = 0; at < folders.length; at += HTTP_CONNECTIONS) {
      const batch = folders.slice(at, at + HTTP_CONNECTIONS).map(async ({ name }) => {
        const objects = await this.#objects(`data/${name}/`);
        return objects.filter((each) => each.name.startsWith(name));
      });
      found.push(...(await Promise.all(batch)).flat());
    }
    return found;
  }

  async stat(ref: ObjectRef): Promise<number | undefined> {
    const { status, headers } = await this.#call('HEAD', this.#path(ref));
    if (status === 404) return undefined;
    if (status !== 200) throw statusError(status, `${shortRef(ref)} cannot be looked at`);
    const length = Number(headers['content-length'] ?? Number.NaN);
    if (Number.isSafeInteger(length) && length >= 0) return length;
    throw new TargetError('broken', `the storage tells no size of ${shortRef(ref)}`);
  }

  async load(ref: ObjectRef, limit: number): Promise<Uint8Array> {
    const { status, body } = await this.#call('GET', this.#path(ref), { limit });
    if (status !== 200) throw statusError(status, `${shortRef(ref)} cannot be read`);
    return body;
  }

  async read(ref: ObjectRef, offset: number, length: number): Promise<Uint8Array> {
    const path = this.#path(ref);
    if (length === 0) {
      if ((await this.stat(ref)) === undefined) throw statusError(404, shortRef(ref));
      return new Uint8Array();
    }
    const { status, body } = await this.#call('GET', path, {
      headers: { range: `bytes=${offset}-${offset + length - 1}` },
      limit: Math.min(Math.max(length, SMALL), RANGE_LIMIT),
    });
    if (status !== 206) throw statusError(status, `${shortRef(ref)} cannot be read`);
    if (body.length !== length) throw new TargetError('short', `${shortRef(ref)} ends too early`);
    return body;
  }

  async put(ref: ObjectRef, body: ObjectBody): Promise<void> {
    const path = this.#path(ref);
    const what = `${shortRef(ref)} cannot be written`;
    const taken = new TargetError('exists', `${shortRef(ref)} exists already`);
    // Some servers overwrite whatever the header says, so it is looked for first as well.
    if ((await this.stat(ref)) !== undefined) throw taken;
    await this.#folder(`${TEMPORARY}/`);
    if (ref.kind === 'data') await this.#folder(`data/${ref.name.slice(0, 2)}/`);
    else if (ref.kind !== 'config') await this.#folder(`${ref.kind}/`);
    const temporary = `${TEMPORARY}/${randomBytes(16).toHex()}`;
    const { status } = await this.#call('PUT', temporary, {
      headers: { 'content-type': 'application/octet-stream' },
      body,
    });
    if (status < 200 || status > 204) {
      // A folder that somebody removed meanwhile is made again at the next try.
      if (status === 404 || status === 409) this.#folders.clear();
      throw statusError(status === 409 ? 503 : status, what);
    }
    const moved = await this.#call('MOVE', temporary, {
      headers: { destination: this.#url(path).href, overwrite: 'F' },
    });
    if (moved.status === 201 || moved.status === 204) return;
    await this.#call('DELETE', temporary).catch(() => undefined);
    if (moved.status === 412) throw taken;
    if (moved.status === 404 || moved.status === 409) this.#folders.clear();
    throw statusError(moved.status === 409 ? 503 : moved.status, what);
  }

  async remove(ref: ObjectRef): Promise<void> {
    const { status } = await this.#call('DELETE', this.#path(ref));
    if (status === 200 || status === 204 || status === 404) return;
    throw statusError(status, `${shortRef(ref)} cannot be removed`);
  }

  async sweep(before: number): Promise<number> {
    let swept = 0;
    for (const { name, folder, modified } of (await this.#entries(`${TEMPORARY}/`)) ?? []) {
      if (folder || !/^[0-9a-f]{32}$/.test(name) || !(modified < before)) continue;
      const { status } = await this.#call('DELETE', `${TEMPORARY}/${name}`);
      if (status >= 200 && status < 300) swept++;
    }
    return swept;
  }

  close(): Promise<void> {
    this.#at.caller.close();
    return Promise.resolve();
  }
}
