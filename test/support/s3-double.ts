// A small S3 server for tests: signatures are checked in full, bodies too, and conditional puts,
// pages of listings and chunked uploads are as the real one has them. restic and rclone judge it
// in test/interop/restic-targets.test.ts.
import { createHash, createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const S3_ACCESS_KEY = 'AKTEST0123456789ABCD';
export const S3_SECRET_KEY = 'a-secret-of-the-test-only-0123456789abcd';

export interface S3Double extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly origin: string;
  readonly buckets: Map<string, Map<string, Buffer>>;
  /** Requests that were refused for their signature. */
  refused: number;
  /** Whether `If-None-Match` is known, as not every storage does. */
  conditional: boolean;
  /** Keys of one page of a listing. */
  pageSize: number;
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** AWS Signature Version 4 of a request, computed anew from the secret. */
function isSigned(request: IncomingMessage, url: URL): boolean {
  const found =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? '',
    );
  if (found === null) return false;
  const [, key, date, region, names, signature] = found as unknown as string[];
  if (key !== S3_ACCESS_KEY || date === undefined || region === undefined) return false;
  const canonical = [
    request.method,
    url.pathname,
    [...url.searchParams]
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .sort()
      .join('&'),
    ...(names ?? '')
      .split(';')
      .map((name) => `${name}:${String(request.headers[name] ?? '').replaceAll(/\s+/g, ' ')}`),
    '',
    names,
    request.headers['x-amz-content-sha256'],
  ].join('\n');
  const scope = `${date}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, sha256(canonical)];
  const signing = [region, 's3', 'aws4_request'].reduce(hmac, hmac(`AWS4${S3_SECRET_KEY}`, date));
  return hmac(signing, text.join('\n')).toString('hex') === signature;
}

/** Takes the chunks of `aws-chunked` apart (their own signatures are not looked at). */
function unchunk(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const end = body.indexOf('\r\n', at);
    const length = Number.parseInt(body.subarray(at, end).toString(), 16);
    if (!(length > 0)) return Buffer.concat(parts);
    parts.push(body.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
}

function xml(response: ServerResponse, status: number, text: string): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n${text}`;
  response.writeHead(status, { 'content-type': 'application/xml' }).end(body);
}

function failure(response: ServerResponse, status: number, code: string): void {
  xml(response, status, `<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}

function listing(double: S3Double, objects: Map<string, Buffer>, query: URLSearchParams): string {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
  const rows: string[] = [];
  const folders = new Set<string>();
  let next: string | undefined;
  for (const key of [...objects.keys()].sort()) {
    if (!key.startsWith(prefix) || (after !== '' && key <= after)) continue;
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    if (end >= 0) {
      folders.add(key.slice(0, end + 1));
      continue;
    }
    if (rows.length === double.pageSize) {
      next = rows.length === 0 ? undefined : next;
      return page(rows, folders, next ?? '', prefix);
    }
    next = key;
    rows.push(
      `<Contents><Key>${key.replaceAll('&', '&amp;')}</Key><Size>${objects.get(key)?.length ?? 0}</Size>` +
        '<LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>"x"</ETag>' +
        '<StorageClass>STANDARD</StorageClass></Contents>',
    );
  }
  return page(rows, folders, '', prefix);
}

function page(rows: string[], folders: Set<string>, next: string, prefix: string): string {
  return (
    '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
    `<Prefix>${prefix}</Prefix><KeyCount>${rows.length}</KeyCount><MaxKeys>1000</MaxKeys>` +
    `<IsTruncated>${next !== ''}</IsTruncated>` +
    (next === '' ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`) +
    rows.join('') +
    [...folders]
      .map((each) => `<CommonPrefixes><Prefix>${each}</Prefix></CommonPrefixes>`)
      .join('') +
    '</ListBucketResult>'
  );
}

function send(request: IncomingMessage, response: ServerResponse, object: Buffer): void {
  const headers = { etag: '"x"', 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' };
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  if (range === null) {
    response.writeHead(200, { ...headers, 'content-length': object.length });
    response.end(request.method === 'HEAD' ? undefined : object);
    return;
  }
  const first = Number(range[1]);
  const last = Math.min(range[2] === '' ? Infinity : Number(range[2]), object.length - 1);
  if (first > last) {
    failure(response, 416, 'InvalidRange');
    return;
  }
  response.writeHead(206, {
    ...headers,
    'content-length': last - first + 1,
    'content-range': `bytes ${first}-${last}/${object.length}`,
  });
  response.end(object.subarray(first, last + 1));
}

function serve(
  double: S3Double,
  request: IncomingMessage,
  response: ServerResponse,
  sent: Buffer,
): void {
  const url = new URL(request.url ?? '/', 'http://s3');
  const [bucketName = '', ...rest] = decodeURIComponent(url.pathname).slice(1).split('/');
  const key = rest.join('/');
  if (!isSigned(request, url)) {
    double.refused++;
    failure(response, 403, 'SignatureDoesNotMatch');
    return;
  }
  const claimed = request.headers['x-amz-content-sha256'];
  const streaming = String(claimed).startsWith('STREAMING-');
  const body = streaming ? unchunk(sent) : sent;
  if (!streaming && claimed !== 'UNSIGNED-PAYLOAD' && claimed !== sha256(body)) {
    failure(response, 400, 'XAmzContentSHA256Mismatch');
    return;
  }
  const bucket = double.buckets.get(bucketName);
  if (key === '') {
    if (request.method === 'PUT') {
      double.buckets.set(bucketName, bucket ?? new Map<string, Buffer>());
      response.writeHead(bucket === undefined ? 200 : 409).end();
    } else if (bucket === undefined) failure(response, 404, 'NoSuchBucket');
    else if (request.method === 'HEAD') response.writeHead(200).end();
    else if (url.searchParams.has('location')) xml(response, 200, '<LocationConstraint/>');
    else xml(response, 200, listing(double, bucket, url.searchParams));
    return;
  }
  if (bucket === undefined) {
    failure(response, 404, 'NoSuchBucket');
    return;
  }
  const object = bucket.get(key);
  switch (request.method) {
    case 'PUT':
      if (double.conditional && request.headers['if-none-match'] === '*' && object !== undefined) {
        failure(response, 412, 'PreconditionFailed');
        return;
      }
      bucket.set(key, body);
      response.writeHead(200, { etag: `"${createHash('md5').update(body).digest('hex')}"` }).end();
      return;
    case 'DELETE':
      bucket.delete(key);
      response.writeHead(204).end();
      return;
    default:
      if (object !== undefined) send(request, response, object);
      else if (request.method === 'HEAD') response.writeHead(404).end();
      else failure(response, 404, 'NoSuchKey');
  }
}

export async function startS3Double(): Promise<S3Double> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => serve(double, request, response, Buffer.concat(parts)));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const double: S3Double = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    buckets: new Map<string, Map<string, Buffer>>(),
    refused: 0,
    conditional: true,
    pageSize: 1000,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
  return double;
}
