import { BackupError } from '../../errors.ts';
import type { OpenOptions } from '../open.ts';
import { createCaller, settingFile } from './call.ts';
import type { HttpCaller } from './call.ts';

/** Where an HTTP storage is and how to prove who asks. */
export interface HttpLocation {
  /** Ends with a slash; without credentials. */
  readonly base: URL;
  /** The value of `Authorization`, if any. */
  readonly authorization: string | undefined;
  readonly caller: HttpCaller;
}

/** Hosts whose traffic does not leave the machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

const CONNECTIONS = 5;
const TIMEOUT = 120_000;

/**
 * Reads `https://[user[:password]@]host/path/`. The password is better kept in a file that
 * `STRONGROOM_BACKUP_PASSWORD_FILE` (or restic's `RESTIC_REST_PASSWORD`) supplies. Settings:
 * `STRONGROOM_BACKUP_CACERT`, `STRONGROOM_BACKUP_CLIENT_CERT` and `…_CLIENT_KEY` name PEM files.
 * @throws {BackupError} BACKUP_USAGE; also for `http:` to another machine, where everybody on the
 * way could take the password
 */
export function httpLocation(text: string, options: OpenOptions): HttpLocation {
  if (!URL.canParse(text) || !/^https?:\/\//.test(text)) {
    throw new BackupError(
      'BACKUP_USAGE',
      'the storage needs an address that begins with https://',
      {
        duty: 'usage',
        mend: 'for example rest:https://backup.example/alice/',
      },
    );
  }
  const url = new URL(text);
  const environment = options.environment ?? {};
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new BackupError(
      'BACKUP_USAGE',
      `http to ${url.hostname} would show the password to all`,
      {
        duty: 'usage',
        mend: 'use https://; plain http is for this machine alone',
      },
    );
  }
  const user = decodeURIComponent(url.username) || environment['RESTIC_REST_USERNAME'] || '';
  const passwordFile = environment['STRONGROOM_BACKUP_PASSWORD_FILE'];
  const password =
    decodeURIComponent(url.password) ||
    (passwordFile === undefined
      ? (environment['RESTIC_REST_PASSWORD'] ?? '')
      : (settingFile(passwordFile).split('\n')[0] ?? ''));
  url.username = '';
  url.password = '';
  url.search = '';
  url.hash = '';
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  const ca = environment['STRONGROOM_BACKUP_CACERT'];
  const cert = environment['STRONGROOM_BACKUP_CLIENT_CERT'];
  const key = environment['STRONGROOM_BACKUP_CLIENT_KEY'];
  return {
    base: url,
    authorization:
      user === '' ? undefined : `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
    caller: createCaller({
      connections: CONNECTIONS,
      timeout: options.timeout ?? TIMEOUT,
      ...(ca === undefined ? {} : { ca: settingFile(ca) }),
      ...(cert === undefined || key === undefined
        ? {}
        : { client: { cert: settingFile(cert), key: settingFile(key) } }),
    }),
  };
}

/** How many calls at once an HTTP storage gets. */
export const HTTP_CONNECTIONS: number = CONNECTIONS;
