import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { TargetError } from '../errors.ts';
import { shortRef } from '../targets/target.ts';
import type { ObjectKind, ObjectRef, Target } from '../targets/target.ts';
import type { Account } from './accounts.ts';
import type { Budget } from './budget.ts';
import type { Quotas } from './quota.ts';
import { routeOf } from './route.ts';
import type { Route } from './route.ts';
import type { Storage } from './storage.ts';

/** What a request ended in, for the answer and the access log. */
export interface Outcome {
  readonly status: number;
  readonly bytes: number;
}

export interface HandlerParts {
  readonly storage: Storage;
  readonly quotas: Quotas;
  readonly budget: Budget;
}

const V1 = 'application/vnd.x.restic.rest.v1';
const V2 = 'application/vnd.x.restic.rest.v2';
/** Bytes of one piece of an answer: what a reader that is slow keeps in memory. */
const PIECE = 1 << 20;

/** The largest object of each kind: packs are 128 MiB at the most, and their headers 16 MiB. */
const LARGEST: Readonly<Record<ObjectKind, number>> = {
  config: 64 << 10,
  keys: 1 << 20,
  locks: 1 << 20,
  snapshots: 64 << 20,
  index: 256 << 20,
  data: 160 << 20,
};

const STATUSES: Readonly<Record<TargetError['fault'], number>> = {
  absent: 404,
  exists: 403,
  short: 416,
  oversize: 413,
  denied: 403,
  full: 507,
  busy: 503,
  broken: 502,
};

function end(response: ServerResponse, status: number, text = ''): Outcome {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
  return { status, bytes: 0 };
}

/** A `Range` header with one range (RFC 9110, 14.2), or `undefined` where there is none. */
function rangeOf(header: string | undefined, size: number): [number, number] | 'bad' | undefined {
  if (header === undefined) return undefined;
  const found = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.trim());
  if (found === null) return 'bad';
  const [, first = '', last = ''] = found;
  if (first === '') {
    const suffix = Math.min(Number(last), size);
    return last === '' || suffix === 0 ? 'bad' : [size - suffix, size];
  }
  const from = Number(first);
  const to = last === '' ? size : Math.min(Number(last) + 1, size);
  return from < to ? [from, to] : 'bad';
}

/**
 * Serves one request of restic's REST protocol, versions 1 and 2, for an account that was
 * recognised before. The order of checks: path, account's folders, append-only and write-only,
 * quota, size, hash.
 */
export async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  account: Account,
  parts: HandlerParts,
): Promise<Outcome> {
  const url = new URL(request.url ?? '/', 'http://storage');
  const route = routeOf(url.pathname);
  if (route === undefined) return end(response, 404, 'no such path\n');
  const [folder = ''] = route.path.split('/');
  if (!account.folders.includes(folder)) return end(response, 403, 'not your folder\n');
  const target = await parts.storage.open(route.path);
  try {
    switch (route.about) {
      case 'repository':
        return await repository(request, response, url, target);
      case 'kind':
        return await listing(request, response, route, target);
      case 'object':
        return await object(request, response, route.ref, { target, account, ...parts });
    }
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    if (response.headersSent) {
      response.destroy();
      return { status: 500, bytes: 0 };
    }
    return end(response, STATUSES[error.fault], `${error.fault}\n`);
  }
}

async function repository(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  target: Target,
): Promise<Outcome> {
  if (request.method !== 'POST') {
    response.setHeader('allow', 'POST');
    return end(response, 405);
  }
  if (url.searchParams.get('create') !== 'true') return end(response, 400, 'create=true?\n');
  await target.prepare();
  return end(response, 200);
}

async function listing(
  request: IncomingMessage,
  response: ServerResponse,
  { kind }: Extract<Route, { about: 'kind' }>,
  target: Target,
): Promise<Outcome> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return end(response, 405);
  }
  const objects = await target.list(kind);
  const second = (request.headers.accept ?? '').includes(V2);
  const text = JSON.stringify(
    second ? objects.map(({ name, size }) => ({ name, size })) : objects.map(({ name }) => name),
  );
  response.writeHead(200, {
    'content-type': second ? V2 : V1,
    'content-length': Buffer.byteLength(text),
  });
  response.end(request.method === 'HEAD' ? undefined : text);
  return { status: 200, bytes: text.length };
}

interface ObjectParts extends HandlerParts {
  readonly target: Target;
  readonly account: Account;
}

async function object(
  request: IncomingMessage,
  response: ServerResponse,
  ref: ObjectRef,
  parts: ObjectParts,
): Promise<Outcome> {
  const { target, account } = parts;
  switch (request.method) {
    case 'HEAD': {
      const size = await target.stat(ref);
      if (size === undefined) return end(response, 404);
      response.writeHead(200, { 'content-length': size, 'accept-ranges': 'bytes' }).end();
      return { status: 200, bytes: 0 };
    }
    case 'GET':
      if (account.writeOnly && ref.kind === 'data') {
        return end(response, 403, 'this account may not read what it wrote\n');
      }
      return await give(request, response, ref, target);
    case 'POST':
      return await take(request, response, ref, parts);
    case 'DELETE': {
      if ((account.appendOnly || account.writeOnly) && ref.kind !== 'locks') {
        return end(response, 403, 'append-only\n');
      }
      const size = await target.stat(ref);
      await target.remove(ref);
      if (size !== undefined) await parts.quotas.release(account, size);
      return end(response, 200);
    }
    default:
      response.setHeader('allow', 'HEAD, GET, POST, DELETE');
      return end(response, 405);
  }
}

async function give(
  request: IncomingMessage,
  response: ServerResponse,
  ref: ObjectRef,
  target: Target,
): Promise<Outcome> {
  const size = await target.stat(ref);
  if (size === undefined) return end(response, 404);
  const range = rangeOf(request.headers.range, size);
  if (range === 'bad') {
    response.setHeader('content-range', `bytes */${size}`);
    return end(response, 416);
  }
  const [from, to] = range ?? [0, size];
  response.writeHead(range === undefined ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'content-length': to - from,
    'accept-ranges': 'bytes',
    ...(range === undefined ? {} : { 'content-range': `bytes ${from}-${to - 1}/${size}` }),
  });
  for (let at = from; at < to && !response.destroyed; at += PIECE) {
    const piece = await target.read(ref, at, Math.min(PIECE, to - at));
    if (!response.write(piece)) await drained(response);
  }
  response.end();
  return { status: range === undefined ? 200 : 206, bytes: to - from };
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      response.off('drain', over);
      response.off('close', over);
      resolve();
    };
    response.on('drain', over);
    response.on('close', over);
  });
}

async function take(
  request: IncomingMessage,
  response: ServerResponse,
  ref: ObjectRef,
  { target, account, quotas, budget }: ObjectParts,
): Promise<Outcome> {
  const declared = Number(request.headers['content-length'] ?? Number.NaN);
  const most = LARGEST[ref.kind];
  if (declared > most) return refuse(request, response, 413, 'too large\n');
  // The protocol's answer to a name that is taken; asked before a body is read for nothing.
  if ((await target.stat(ref)) !== undefined) {
    return refuse(request, response, 403, `${shortRef(ref)} exists already\n`);
  }
  const expected = Number.isSafeInteger(declared) ? declared : most;
  const giveBack = await quotas.reserve(account, expected);
  if (giveBack === undefined) return refuse(request, response, 507, 'over the quota\n');
  let written = false;
  try {
    using _share = await budget.take(expected);
    const parts = await bodyOf(request, expected);
    if (parts === undefined) return refuse(request, response, 413, 'too large\n');
    const hash = createHash('sha256');
    let length = 0;
    for (const part of parts) {
      hash.update(part);
      length += part.length;
    }
    if (Number.isSafeInteger(declared) && length !== declared) {
      return end(response, 400, 'the body ends too early\n');
    }
    if (ref.kind !== 'config' && hash.digest('hex') !== ref.name) {
      return end(response, 400, 'the body is not what its name says\n');
    }
    await target.put(ref, parts);
    written = true;
    // What was reserved for a body of unknown length and did not come.
    if (length < expected) await quotas.release(account, expected - length);
    return { ...end(response, 200), bytes: length };
  } finally {
    if (!written) giveBack();
  }
}

/** Refuses without reading the body; the connection ends, since the body is still on its way. */
function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  text: string,
): Outcome {
  const small = Number(request.headers['content-length'] ?? Number.NaN) <= 1 << 20;
  if (small) request.resume();
  else response.setHeader('connection', 'close');
  return end(response, status, text);
}

/** The pieces of a body; `undefined` when there are more bytes than `most`. */
async function bodyOf(request: IncomingMessage, most: number): Promise<Uint8Array[] | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > most) return undefined;
    parts.push(part);
  }
  return parts;
}
