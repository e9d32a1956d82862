import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { reasonOf } from '../../../errors.ts';
import { BackupError, TargetError } from '../../errors.ts';
import type { TargetFault } from '../../errors.ts';
import { bodyLength } from '../target.ts';
import type { ObjectBody } from '../target.ts';

/** One exchange with a storage that speaks HTTP. */
export interface HttpCall {
  readonly method: string;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: ObjectBody;
  /** Bytes that an answer may have; a longer one is refused before it is in memory. */
  readonly limit: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

export interface HttpOptions {
  readonly connections: number;
  /** ms without a byte moving after which a call gives up. */
  readonly timeout: number;
  /** Certificates in PEM that are trusted in place of the system's. */
  readonly ca?: string;
  /** A client certificate and its key in PEM. */
  readonly client?: { readonly cert: string; readonly key: string };
}

/** Keeps connections and makes calls over them. */
export interface HttpCaller {
  /** @throws {TargetError} `busy` when the connection fails or nothing moves, `oversize` */
  call(call: HttpCall): Promise<HttpAnswer>;
  close(): void;
}

/** What may be wrong with a certificate; trying again does not mend it. */
const UNTRUSTED = /CERT|SELF_SIGNED|ISSUER|ALTNAME|ERR_TLS|SSL/;

function callError(thrown: unknown, host: string): TargetError {
  if (thrown instanceof TargetError) return thrown;
  const code = thrown instanceof Error ? String(Reflect.get(thrown, 'code') ?? '') : '';
  if (UNTRUSTED.test(code)) {
    return new TargetError('denied', `the certificate of ${host} is not trusted: ${code}`, {
      cause: thrown,
      mend: 'name the file of its authority in STRONGROOM_BACKUP_CACERT',
    });
  }
  return new TargetError('busy', `${host} cannot be reached: ${reasonOf(thrown)}`, {
    cause: thrown,
  });
}

/** The body of an answer, never more than the limit in memory. */
async function bodyOf(
  answer: IncomingMessage,
  method: string,
  limit: number,
  host: string,
): Promise<Uint8Array> {
  // The answer to HEAD announces a body that does not come (RFC 9110, 9.3.2).
  const declared = method === 'HEAD' ? 0 : Number(answer.headers['content-length'] ?? 0);
  if (declared > limit) {
    answer.destroy();
    throw new TargetError('oversize', `${host} answers with ${declared} bytes, over ${limit}`);
  }
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > limit) {
      answer.destroy();
      throw new TargetError('oversize', `${host} answers with more than ${limit} bytes`);
    }
    parts.push(part);
  }
  // A connection that breaks before the announced end raises an error of its own in the loop.
  return new Uint8Array(Buffer.concat(parts));
}

function answerOf({ statusCode, headers }: IncomingMessage, body: Uint8Array): HttpAnswer {
  const found = Object.entries(headers).map(([name, value]): [string, string | undefined] => [
    name,
    Array.isArray(value) ? value.join(', ') : value,
  ]);
  return { status: statusCode ?? 0, headers: Object.fromEntries(found), body };
}

/** Calls over kept connections: nothing is followed, tried again or cached. */
export function createCaller(options: HttpOptions): HttpCaller {
  const settings = { keepAlive: true, maxSockets: options.connections, timeout: options.timeout };
  const plain = new HttpAgent(settings);
  const secure = new HttpsAgent({
    ...settings,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    ...options.client,
    minVersion: 'TLSv1.2',
  });
  let closed = false;

  function call({ method, url, headers, body, limit }: HttpCall): Promise<HttpAnswer> {
    if (closed) {
      return Promise.reject(
        new TargetError('broken', 'the target is closed', { duty: 'internal' }),
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    const fail = (error: unknown): void => reject(callError(error, url.host));
    const https = url.protocol === 'https:';
    const request = (https ? httpsRequest : httpRequest)(
      url,
      {
        method,
        agent: https ? secure : plain,
        timeout: options.timeout,
        headers: {
          ...headers,
          ...(body === undefined ? {} : { 'content-length': String(bodyLength(body)) }),
        },
      },
      (answer) => {
        bodyOf(answer, method, limit, url.host)
          .then((bytes) => answerOf(answer, bytes))
          .then(resolve, fail);
      },
    );
    request.once('timeout', () => {
      request.destroy(new TargetError('busy', `${url.host} says nothing any more`));
    });
    request.once('error', fail);
    send(request, body ?? []).catch(() => undefined);
    return promise;
  }

  return {
    call,
    close() {
      closed = true;
      plain.destroy();
      secure.destroy();
    },
  };
}

/** Writes a body without holding it twice: the next piece follows when the last has room. */
async function send(request: ReturnType<typeof httpRequest>, body: ObjectBody): Promise<void> {
  for (const part of body) {
    if (request.destroyed) return;
    if (part.length > 0 && !request.write(part)) {
      await new Promise<void>((resolve) => {
        const over = (): void => {
          request.off('drain', over);
          request.off('close', over);
          resolve();
        };
        request.on('drain', over);
        request.on('close', over);
      });
    }
  }
  request.end();
}

const FAULTS: ReadonlyMap<number, TargetFault> = new Map([
  [400, 'broken'],
  [401, 'denied'],
  [403, 'denied'],
  [404, 'absent'],
  [405, 'denied'],
  [408, 'busy'],
  [410, 'absent'],
  [416, 'short'],
  [423, 'busy'],
  [425, 'busy'],
  [429, 'busy'],
  [507, 'full'],
]);

/** The failure that a status means. @param what `keys/0123abcd… cannot be read` */
export function statusError(status: number, what: string): TargetError {
  const fault = FAULTS.get(status) ?? (status >= 500 ? 'busy' : 'broken');
  const mend =
    status === 401
      ? 'check the user name and password of this storage'
      : fault === 'full'
        ? 'free space there or raise the quota, then run it again'
        : undefined;
  return new TargetError(
    fault,
    `${what}: the storage answers ${status}`,
    mend === undefined ? {} : { mend },
  );
}

/** The bytes of a file that a setting names. @throws {BackupError} BACKUP_USAGE */
export function settingFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new BackupError('BACKUP_USAGE', `cannot read ${path}: ${reasonOf(error)}`, {
      duty: 'usage',
      cause: error,
    });
  }
}
