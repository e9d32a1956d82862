import { readFileSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as HttpsServer, createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { reasonOf } from '../../errors.ts';
import { BackupError } from '../errors.ts';
import { isLoopback } from '../targets/http/location.ts';
import { Accounts, parseAccounts } from './accounts.ts';
import type { Account } from './accounts.ts';
import { Budget } from './budget.ts';
import { Failures } from './failures.ts';
import { handle } from './handler.ts';
import type { HandlerParts, Outcome } from './handler.ts';
import { Quotas } from './quota.ts';
import type { Storage } from './storage.ts';

/** One line of the access log. Repositories, names of objects and addresses are not in it. */
export interface Access {
  readonly time: string;
  readonly account: string;
  readonly method: string;
  readonly status: number;
  readonly bytes: number;
  readonly milliseconds: number;
}

export interface BackupServerOptions {
  readonly storage: Storage;
  /** The file of accounts; read again when it changes. */
  readonly accounts: string;
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Files in PEM, read again when they change. Needed unless the host is loopback. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly onAccess?: (access: Access) => void;
  readonly onWarning?: (text: string) => void;
  /** Bytes that bodies on their way may take in memory. */
  readonly memory?: number;
}

export interface BackupServer {
  /** `https://host:port` */
  readonly origin: string;
  /** Ends when requests under way are over, or after five seconds. */
  close(): Promise<void>;
}

const MEMORY = 320 << 20;
const MAX_CONNECTIONS = 256;
/** ms for a whole request: a pack of 128 MiB at 256 kB a second. */
const REQUEST_TIMEOUT = 10 * 60_000;
const IDLE = 60_000;
const CLOSE_PATIENCE = 5000;

/**
 * Starts a server of restic's REST protocol.
 * @throws {BackupError} BACKUP_USAGE without TLS on an address that others reach, or with files
 * that cannot be read
 */
export async function startBackupServer(options: BackupServerOptions): Promise<BackupServer> {
  if (options.tls === undefined && !isLoopback(options.host)) {
    throw new BackupError('BACKUP_USAGE', 'without TLS the server listens on loopback alone', {
      duty: 'usage',
      mend: 'give --tls-cert and --tls-key, or --listen 127.0.0.1:8000',
    });
  }
  const warn = options.onWarning ?? (() => undefined);
  const accounts = new Accounts(parseAccounts(read(options.accounts)));
  const failures = new Failures();
  const parts: HandlerParts = {
    storage: options.storage,
    quotas: new Quotas(options.storage),
    budget: new Budget(options.memory ?? MEMORY),
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const started = performance.now();
    const log = (account: string, { status, bytes }: Outcome): void =>
      options.onAccess?.({
        time: new Date().toISOString(),
        account,
        method: request.method ?? '',
        status,
        bytes,
        milliseconds: Math.round(performance.now() - started),
      });
    serve(request, response, accounts, failures, parts, log).catch((error: unknown) => {
      // A client that goes away in the midst of its body is no fault of the server's.
      if (!request.aborted && !response.destroyed) warn(reasonOf(error));
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end();
    });
  };
  const limits = {
    requestTimeout: REQUEST_TIMEOUT,
    headersTimeout: 20_000,
    keepAliveTimeout: IDLE,
    maxHeaderSize: 16 << 10,
    connectionsCheckingInterval: 5000,
  };
  const server: Server | HttpsServer =
    options.tls === undefined
      ? createHttpServer(limits, listener)
      : createHttpsServer({ ...limits, ...pair(options.tls), minVersion: 'TLSv1.2' }, listener);
  server.maxConnections = MAX_CONNECTIONS;
  server.setTimeout(IDLE);
  server.on('clientError', (_error: Error, socket: Socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });
  const watchers = [
    onChange([options.accounts], warn, () => {
      accounts.replace(parseAccounts(read(options.accounts)));
    }),
  ];
  const { tls } = options;
  if (tls !== undefined && server instanceof HttpsServer) {
    watchers.push(onChange([tls.cert, tls.key], warn, () => server.setSecureContext(pair(tls))));
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const shown = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    origin: `${tls === undefined ? 'http' : 'https'}://${shown}:${port}`,
    async close() {
      for (const watcher of watchers) watcher.close();
      const closed = new Promise((resolve) => {
        server.close(resolve);
      });
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), CLOSE_PATIENCE);
      await closed;
      clearTimeout(timer);
      await options.storage.close();
    },
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  accounts: Accounts,
  failures: Failures,
  parts: HandlerParts,
  log: (account: string, outcome: Outcome) => void,
): Promise<void> {
  const from = request.socket.remoteAddress ?? '';
  if (failures.tooMany(from)) {
    response.writeHead(429, { 'retry-after': '60', connection: 'close' }).end();
    log('', { status: 429, bytes: 0 });
    return;
  }
  const account = await accountOf(request, accounts);
  if (account === undefined) {
    // No header at all is how clients begin to ask, not a wrong guess.
    if (request.headers.authorization !== undefined) failures.count(from);
    response
      .writeHead(401, { 'www-authenticate': 'Basic realm="backup"', connection: 'close' })
      .end();
    log('', { status: 401, bytes: 0 });
    return;
  }
  log(account.name, await handle(request, response, account, parts));
}

async function accountOf(
  request: IncomingMessage,
  accounts: Accounts,
): Promise<Account | undefined> {
  const found = /^Basic ([A-Za-z0-9+/=]{1,1024})$/i.exec(request.headers.authorization ?? '');
  if (found === null) return undefined;
  const text = Buffer.from(found[1] ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : await accounts.check(text.slice(0, colon), text.slice(colon + 1));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new BackupError('BACKUP_USAGE', `cannot read ${path}: ${reasonOf(error)}`, {
      duty: 'usage',
      cause: error,
    });
  }
}

function pair(tls: { readonly cert: string; readonly key: string }): {
  cert: string;
  key: string;
} {
  return { cert: read(tls.cert), key: read(tls.key) };
}

/** Tells of changes of files; what cannot be used leaves the old state and a warning. */
function onChange(
  paths: readonly string[],
  warn: (text: string) => void,
  take: () => void,
): { close(): void } {
  let timer: NodeJS.Timeout | undefined;
  const soon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      try {
        take();
      } catch (error) {
        warn(reasonOf(error));
      }
    }, 200);
    timer.unref();
  };
  // The folder, since a file that is replaced by a rename is another file.
  const watchers: FSWatcher[] = [];
  for (const path of paths) {
    const cut = path.lastIndexOf('/');
    const [folder, name] = cut < 0 ? ['.', path] : [path.slice(0, cut) || '/', path.slice(cut + 1)];
    const watcher = watch(folder, (_event, changed) => {
      if (changed === null || changed === name) soon();
    });
    watcher.unref();
    watchers.push(watcher);
  }
  return {
    close: () => {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}
