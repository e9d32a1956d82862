import { createHash } from 'node:crypto';
import { AwsV4Signer } from 'aws4fetch';
import { BackupError, TargetError } from '../errors.ts';
import { createCaller, settingFile, statusError } from './http/call.ts';
import type { HttpAnswer, HttpCaller } from './http/call.ts';
import { isLoopback } from './http/location.ts';
import { childText, children, xmlRoot } from './http/xml.ts';
import { layoutPath } from './layout.ts';
import type { OpenOptions } from './open.ts';
import { s3Credentials } from './s3-credentials.ts';
import type { S3Credentials } from './s3-credentials.ts';
import { checkRef, isObjectName, shortRef } from './target.ts';
import type { ObjectBody, ObjectInfo, ObjectKind, ObjectRef, Target } from './target.ts';

const CONNECTIONS = 5;
const TIMEOUT = 120_000;
const SMALL = 64 << 10;
/** A page of a listing: a thousand keys of at most a kilobyte, and what stands around them. */
const PAGE_LIMIT = 4 << 20;
const RANGE_LIMIT = 512 << 20;
const EMPTY_SHA256 = createHash('sha256').digest('hex');

interface S3Place {
  readonly origin: string;
  readonly bucket: string;
  /** Ends with a slash, or empty. */
  readonly prefix: string;
}

/** `s3:https://host[:port]/bucket[/prefix]` or `s3:host/bucket[/prefix]`, as restic writes it. */
function placeOf(text: string): S3Place {
  const address = /^https?:\/\//.test(text) ? text : `https://${text}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const [bucket, ...prefix] = (url?.pathname ?? '').split('/').filter((part) => part !== '');
  if (url === undefined || bucket === undefined) {
    throw new BackupError('BACKUP_USAGE', 'the S3 location needs a host and a bucket', {
      duty: 'usage',
      mend: 'for example s3:https://s3.example/bucket/backup',
    });
  }
  if (url.username !== '' || url.password !== '') {
    throw new BackupError('BACKUP_USAGE', 'credentials do not belong into an S3 location', {
      duty: 'usage',
      mend: 'put them into ~/.aws/credentials',
    });
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new BackupError('BACKUP_USAGE', `http to ${url.hostname} shows everybody what is done`, {
      duty: 'usage',
      mend: 'use https://; plain http is for this machine alone',
    });
  }
  return {
    origin: url.origin,
    bucket: decodeURIComponent(bucket),
    prefix: prefix.map((part) => `${decodeURIComponent(part)}/`).join(''),
  };
}

/** RFC 3986 unreserved characters stay, slashes between parts too. */
function encodePath(path: string): string {
  return encodeURIComponent(path)
    .replaceAll('%2F', '/')
    .replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

/**
 * A repository in a bucket, in restic's default layout, so that stock restic opens the same one.
 * Requests are signed with AWS Signature Version 4 over the SHA-256 of the whole body: an altered
 * upload is refused by the storage. Objects appear whole or not at all; a name that is taken is
 * refused by `If-None-Match` where the storage knows it, and looked for before where it does not.
 */
export class S3Target implements Target {
  readonly location: string;
  readonly service: string;
  readonly connections: number = CONNECTIONS;
  readonly #place: S3Place;
  readonly #caller: HttpCaller;
  readonly #credentials: S3Credentials;
  readonly #region: string;

  /** @param text `https://host/bucket/prefix`; settings as the AWS tools name them */
  constructor(text: string, options: OpenOptions = {}) {
    const environment = options.environment ?? {};
    this.#place = placeOf(text);
    this.#credentials = s3Credentials(environment);
    this.#region =
      environment['AWS_REGION'] ??
      environment['AWS_DEFAULT_REGION'] ??
      regionOf(this.#place.origin);
    const ca = environment['STRONGROOM_BACKUP_CACERT'];
    this.#caller = createCaller({
      connections: CONNECTIONS,
      timeout: options.timeout ?? TIMEOUT,
      ...(ca === undefined ? {} : { ca: settingFile(ca) }),
    });
    const { origin, bucket, prefix } = this.#place;
    this.location = `s3:${origin}/${bucket}/${prefix}`;
    this.service = options.service ?? new URL(origin).hostname;
  }

  async #call(
    method: string,
    key: string,
    more: {
      readonly query?: Readonly<Record<string, string>>;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: ObjectBody;
      readonly sha256?: string;
      readonly limit?: number;
    } = {},
  ): Promise<HttpAnswer> {
    const url = new URL(`${this.#place.origin}/${encodePath(this.#place.bucket)}`);
    if (key !== '' || more.query !== undefined) url.pathname += `/${encodePath(key)}`;
    for (const [name, value] of Object.entries(more.query ?? {})) {
      url.searchParams.set(name, value);
    }
    const signed = await new AwsV4Signer({
      method,
      url: url.href,
      headers: { ...more.headers, 'x-amz-content-sha256': more.sha256 ?? EMPTY_SHA256 },
      ...this.#credentials,
      service: 's3',
      region: this.#region,
    }).sign();
    return await this.#caller.call({
      method,
      url: signed.url,
      headers: Object.fromEntries(signed.headers),
      limit: more.limit ?? SMALL,
      ...(more.body === undefined ? {} : { body: more.body }),
    });
  }

  #key(ref: ObjectRef): string {
    checkRef(ref);
    return this.#place.prefix + layoutPath(ref);
  }

  async prepare(): Promise<void> {
    const { status } = await this.#call('HEAD', '');
    if (status === 200) return;
    if (status !== 404) throw statusError(status, `the bucket ${this.#place.bucket}`);
    const made = await this.#call('PUT', '', { body: [] });
    if (made.status !== 200 && made.status !== 409) {
      throw statusError(made.status, `the bucket ${this.#place.bucket} cannot be made`);
    }
  }

  async list(kind: Exclude<ObjectKind, 'config'>): Promise<readonly ObjectInfo[]> {
    const prefix = `${this.#place.prefix}${kind}/`;
    const found: ObjectInfo[] = [];
    for (let token: string | undefined; ;) {
      const { status, body } = await this.#call('GET', '', {
        query: {
          'list-type': '2',
          prefix,
          ...(token === undefined ? {} : { 'continuation-token': token }),
        },
        limit: PAGE_LIMIT,
      });
      if (status === 404) return found;
      if (status !== 200) throw statusError(status, `${kind} cannot be listed`);
      const root = xmlRoot(body, `${kind} cannot be listed`);
      for (const entry of children(root, 'Contents')) {
        const key = childText(entry, 'Key') ?? '';
        const name = key.slice(key.lastIndexOf('/') + 1);
        const size = Number(childText(entry, 'Size'));
        const known = isObjectName(name) && key === this.#key({ kind, name });
        if (known && Number.isSafeInteger(size) && size >= 0) found.push({ name, size });
      }
      const next = childText(root, 'NextContinuationToken');
      if (childText(root, 'IsTruncated') !== 'true') return found;
      if (next === undefined || next === '' || next === token) {
        throw new TargetError('broken', `the listing of ${kind} breaks off`);
      }
      token = next;
    }
  }

  async stat(ref: ObjectRef): Promise<number | undefined> {
    const { status, headers } = await this.#call('HEAD', this.#key(ref));
    if (status === 404) return undefined;
    if (status !== 200) throw statusError(status, `${shortRef(ref)} cannot be looked at`);
    const length = Number(headers['content-length'] ?? Number.NaN);
    if (Number.isSafeInteger(length) && length >= 0) return length;
    throw new TargetError('broken', `the storage tells no size of ${shortRef(ref)}`);
  }

  async load(ref: ObjectRef, limit: number): Promise<Uint8Array> {
    const { status, body } = await this.#call('GET', this.#key(ref), { limit });
    if (status !== 200) throw statusError(status, `${shortRef(ref)} cannot be read`);
    return body;
  }

  async read(ref: ObjectRef, offset: number, length: number): Promise<Uint8Array> {
    const key = this.#key(ref);
    if (length === 0) {
      if ((await this.stat(ref)) === undefined) throw statusError(404, shortRef(ref));
      return new Uint8Array();
    }
    const { status, body } = await this.#call('GET', key, {
      headers: { range: `bytes=${offset}-${offset + length - 1}` },
      limit: Math.min(Math.max(length, SMALL), RANGE_LIMIT),
    });
    if (status !== 206) throw statusError(status, `${shortRef(ref)} cannot be read`);
    if (body.length !== length) throw new TargetError('short', `${shortRef(ref)} ends too early`);
    return body;
  }

  async put(ref: ObjectRef, body: ObjectBody): Promise<void> {
    const key = this.#key(ref);
    const taken = new TargetError('exists', `${shortRef(ref)} exists already`);
    if ((await this.stat(ref)) !== undefined) throw taken;
    const hash = createHash('sha256');
    for (const part of body) hash.update(part);
    const { status } = await this.#call('PUT', key, {
      headers: { 'if-none-match': '*', 'content-type': 'application/octet-stream' },
      body,
      sha256: hash.digest('hex'),
    });
    if (status === 412) throw taken;
    // 409: another writer of the same name is at it just now.
    if (status === 409) throw new TargetError('busy', `${shortRef(ref)} is written by another`);
    if (status !== 200) throw statusError(status, `${shortRef(ref)} cannot be written`);
  }

  async remove(ref: ObjectRef): Promise<void> {
    const { status } = await this.#call('DELETE', this.#key(ref));
    if (status === 200 || status === 204 || status === 404) return;
    throw statusError(status, `${shortRef(ref)} cannot be removed`);
  }

  close(): Promise<void> {
    this.#caller.close();
    return Promise.resolve();
  }
}

/** The region in an AWS host name; `us-east-1` for every other storage, which ignores it. */
function regionOf(origin: string): string {
  const found = /^https:\/\/s3[.-]([a-z0-9-]+)\.amazonaws\.com/.exec(origin)?.[1];
  return found === undefined ? 'us-east-1' : found;
}
