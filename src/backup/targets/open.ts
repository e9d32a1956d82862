import { BackupError } from '../errors.ts';
import { withBandwidth } from './limit.ts';
import type { Bandwidth } from './limit.ts';
import { withRetries } from './retry.ts';
import type { RetryOptions } from './retry.ts';
import type { Target } from './target.ts';

/** What a location is opened with beside its text. */
export interface OpenOptions {
  /** What the gate shall know the far side by, where its owner says so. */
  readonly service?: string;
  readonly bandwidth?: Bandwidth;
  readonly retry?: RetryOptions;
  /** ms without a byte moving after which a call gives up. */
  readonly timeout?: number;
  /** Where credentials come from: names of files and plain settings, as restic names them. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Opens what stands behind the scheme of a location. */
type Opener = (rest: string, options: OpenOptions) => Promise<Target>;

/** Schemes of locations, `rest:https://…`; a location without one is a folder. */
const SCHEMES: ReadonlyMap<string, Opener> = new Map<string, Opener>([
  [
    'local',
    async (path, options) => new (await import('./local.ts')).LocalTarget(path, options.service),
  ],
  ['rest', async (url, options) => new (await import('./rest.ts')).RestTarget(url, options)],
  ['s3', async (url, options) => new (await import('./s3.ts')).S3Target(url, options)],
  ['sftp', async (at, options) => new (await import('./sftp/target.ts')).SftpTarget(at, options)],
  ['webdav', async (url, options) => new (await import('./webdav.ts')).WebDavTarget(url, options)],
]);

/**
 * Opens a target by its location: a folder (`/mnt/disk`, `local:/mnt/disk`) or `scheme:…` as restic
 * writes it. Nothing is read or written yet. Failures that may pass are tried again.
 * @throws {BackupError} BACKUP_USAGE when the location names no known scheme
 */
export async function openTarget(location: string, options: OpenOptions = {}): Promise<Target> {
  const scheme = /^([a-z][a-z0-9+]{1,15}):/.exec(location)?.[1];
  const opener = SCHEMES.get(scheme ?? 'local');
  if (opener === undefined || location === '') {
    throw new BackupError('BACKUP_USAGE', `\`${scheme ?? location}\` names no kind of storage`, {
      duty: 'usage',
      mend: `a folder, or one of: ${[...SCHEMES.keys()].map((name) => `${name}:…`).join(', ')}`,
    });
  }
  const rest = scheme === undefined ? location : location.slice(scheme.length + 1);
  const target = await opener(rest, options);
  return withRetries(withBandwidth(target, options.bandwidth ?? {}), options.retry);
}
