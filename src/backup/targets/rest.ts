import { fromUtf8 } from '../../bytes/text.ts';
import { TargetError } from '../errors.ts';
import { statusError } from './http/call.ts';
import type { HttpAnswer } from './http/call.ts';
import { HTTP_CONNECTIONS, httpLocation } from './http/location.ts';
import type { HttpLocation } from './http/location.ts';
import type { OpenOptions } from './open.ts';
import { checkRef, isObjectName, shortRef } from './target.ts';
import type { ObjectBody, ObjectInfo, ObjectKind, ObjectRef, Target } from './target.ts';

const V2 = 'application/vnd.x.restic.rest.v2';
/** A listing may name a million objects: 64 digits and a size each. */
const LIST_LIMIT = 128 << 20;
/** No range of a repository is larger: a longer one comes from a damaged index. */
const RANGE_LIMIT = 512 << 20;
/** Longest text of a refusal that is read. */
const SMALL = 64 << 10;

/**
 * A repository behind restic's REST protocol, version 2 (version 1 listings are understood):
 * rest-server, `rclone serve restic`, or another strongroom.
 */
export class RestTarget implements Target {
  readonly location: string;
  readonly service: string;
  readonly connections: number = HTTP_CONNECTIONS;
  readonly #at: HttpLocation;

  /** @param url `https://[user[:password]@]host/path/` */
  constructor(url: string, options: OpenOptions = {}) {
    this.#at = httpLocation(url, options);
    this.location = `rest:${this.#at.base.href}`;
    this.service = options.service ?? this.#at.base.hostname;
  }

  #url(ref: ObjectRef): URL {
    checkRef(ref);
    return new URL(ref.kind === 'config' ? 'config' : `${ref.kind}/${ref.name}`, this.#at.base);
  }

  async #call(
    method: string,
    url: URL,
    more: { headers?: Record<string, string>; body?: ObjectBody; limit?: number } = {},
  ): Promise<HttpAnswer> {
    const { authorization, caller } = this.#at;
    return await caller.call({
      method,
      url,
      limit: more.limit ?? SMALL,
      headers: {
        accept: V2,
        ...(authorization === undefined ? {} : { authorization }),
        ...(more.body === undefined ? {} : { 'content-type': 'application/octet-stream' }),
        ...more.headers,
      },
      ...(more.body === undefined ? {} : { body: more.body }),
    });
  }

  async prepare(): Promise<void> {
    const url = new URL(this.#at.base);
    url.search = '?create=true';
    const { status } = await this.#call('POST', url, { body: [] });
    // Servers answer that the folders are there in different ways; the first put would tell.
    if (status !== 200 && status !== 201 && status !== 403) {
      throw statusError(status, `${this.location} cannot be made`);
    }
    if (status !== 403) return;
    const { status: seen } = await this.#call('HEAD', new URL('config', this.#at.base));
    if (seen !== 200 && seen !== 404) throw statusError(seen, `${this.location} cannot be made`);
  }

  async list(kind: Exclude<ObjectKind, 'config'>): Promise<readonly ObjectInfo[]> {
    const url = new URL(`${kind}/`, this.#at.base);
    const { status, body } = await this.#call('GET', url, { limit: LIST_LIMIT });
    if (status === 404) return [];
    if (status !== 200) throw statusError(status, `${kind} cannot be listed`);
    return await this.#listed(kind, body);
  }

  async #listed(kind: ObjectKind, body: Uint8Array): Promise<readonly ObjectInfo[]> {
    let value: unknown;
    try {
      value = JSON.parse(fromUtf8(body));
    } catch (error) {
      throw new TargetError('broken', `the listing of ${kind} is no JSON`, { cause: error });
    }
    if (value === null) return [];
    if (!Array.isArray(value)) throw new TargetError('broken', `the listing of ${kind} is no list`);
    const found: ObjectInfo[] = [];
    for (const entry of value as unknown[]) {
      const name: unknown = typeof entry === 'string' ? entry : propertyOf(entry, 'name');
      const size: unknown = propertyOf(entry, 'size');
      if (typeof name !== 'string' || !isObjectName(name)) continue;
      if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) {
        found.push({ name, size });
      } else {
        // Version 1 of the protocol tells names only.
        const length = await this.stat({ kind, name });
        if (length !== undefined) found.push({ name, size: length });
      }
    }
    return found;
  }

  async stat(ref: ObjectRef): Promise<number | undefined> {
    const { status, headers } = await this.#call('HEAD', this.#url(ref));
    if (status === 404) return undefined;
    if (status !== 200) throw statusError(status, `${shortRef(ref)} cannot be looked at`);
    const length = Number(headers['content-length'] ?? Number.NaN);
    if (Number.isSafeInteger(length) && length >= 0) return length;
    throw new TargetError('broken', `the storage tells no size of ${shortRef(ref)}`);
  }

  async load(ref: ObjectRef, limit: number): Promise<Uint8Array> {
    const { status, body } = await this.#call('GET', this.#url(ref), { limit });
    if (status !== 200) throw statusError(status, `${shortRef(ref)} cannot be read`);
    return body;
  }

  async read(ref: ObjectRef, offset: number, length: number): Promise<Uint8Array> {
    const url = this.#url(ref);
    if (length === 0) {
      if ((await this.stat(ref)) === undefined) throw statusError(404, shortRef(ref));
      return new Uint8Array();
    }
    const range = `bytes=${offset}-${offset + length - 1}`;
    const { status, body } = await this.#call('GET', url, {
      headers: { range },
      limit: Math.min(Math.max(length, SMALL), RANGE_LIMIT),
    });
    if (status === 200) {
      throw new TargetError('broken', `the storage ignores ranges: ${shortRef(ref)}`);
    }
    if (status !== 206) throw statusError(status, `${shortRef(ref)} cannot be read`);
    if (body.length !== length) {
      throw new TargetError('short', `${shortRef(ref)} ends too early`);
    }
    return body;
  }

  async put(ref: ObjectRef, body: ObjectBody): Promise<void> {
    const taken = new TargetError('exists', `${shortRef(ref)} exists already`);
    // rclone overwrites without a word, so it is looked for first.
    if ((await this.stat(ref)) !== undefined) throw taken;
    const { status } = await this.#call('POST', this.#url(ref), { body });
    if (status === 200 || status === 201) return;
    // 403 is what the protocol says for a name that is taken and for a client that may not write.
    const refused = status === 403 || status === 409 || status === 412;
    if (refused && (await this.stat(ref)) !== undefined) throw taken;
    throw statusError(status, `${shortRef(ref)} cannot be written`);
  }

  async remove(ref: ObjectRef): Promise<void> {
    const { status } = await this.#call('DELETE', this.#url(ref));
    if (status === 200 || status === 204 || status === 404) return;
    throw statusError(status, `${shortRef(ref)} cannot be removed`);
  }

  close(): Promise<void> {
    this.#at.caller.close();
    return Promise.resolve();
  }
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
