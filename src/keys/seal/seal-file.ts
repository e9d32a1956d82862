import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromUtf8, utf8 } from '../../bytes/text.ts';
import type { Disk } from '../store/disk.ts';
import { SealError, damaged } from './errors.ts';

/** The master key, wrapped under a key in a file beside it. */
interface ByFile {
  readonly format: 1;
  readonly kind: 'file';
  readonly wrapped: string;
}

/** The master key, wrapped under a key that argon2id makes of a passphrase. */
export interface ByPassphrase {
  readonly format: 1;
  readonly kind: 'passphrase';
  readonly salt: string;
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly wrapped: string;
  /** Passphrases that were ever tried. */
  readonly tries: number;
  /** Wrong ones since the last right one. */
  readonly failures: number;
}

/** What `seal.json` holds: the wrapped master key and how it is unwrapped. */
export type SealFile = ByFile | ByPassphrase;

// OpenSSL takes argon2's memory from the secure heap, of which half is for keys: 32 MiB fit, so the
// passes make up for it.
export const MEMORY_KIB = 32_768;
export const PASSES = 12;
/** Of a changed file, so that it cannot make the process take all memory or all time. */
const MAX_PASSES = 64;
const MAX_FILE = 4096;

/** Nonce, 32 bytes and tag in base64. */
const WRAPPED = /^[A-Za-z0-9+/]{80}$/;
const SALT = /^[A-Za-z0-9+/]{22}==$/;

function pathOf(folder: string): string {
  return join(folder, 'seal.json');
}

/**
 * One file has one form, down to the byte. The check finds damage; that nobody changed how the key
 * is wrapped, the wrapping itself tells, to which `associatedWith` binds it.
 */
function textOf(file: SealFile): string {
  const content = JSON.stringify(file, undefined, 1);
  const check = createHash('sha256').update(content).digest('hex');
  return `${JSON.stringify({ ...file, check }, undefined, 1)}\n`;
}

/** What the wrapping of the master key vouches for besides the key. */
export function associatedWith(file: SealFile): Uint8Array {
  const cost = file.kind === 'file' ? [] : [file.salt, file.memory, file.passes];
  return utf8(['strongroom seal 1', file.kind, ...cost].join('\0'));
}

export function sealFileExists(folder: string): boolean {
  return existsSync(pathOf(folder));
}

/** Replaces the seal; durable when it returns. @throws {SealError} SEAL_WRITE_FAILED */
export function writeSealFile(folder: string, disk: Disk, file: SealFile): void {
  try {
    disk.replace(pathOf(folder), utf8(textOf(file)));
  } catch (error) {
    throw new SealError('SEAL_WRITE_FAILED', 'seal.json could not be written', {
      mend: 'make room on the disk: no passphrase is tried that cannot be counted',
      cause: error,
    });
  }
}

/** @throws {SealError} SEAL_UNREADABLE when a byte is not as it was written */
export function readSealFile(folder: string): SealFile {
  let text: string;
  let file: SealFile | undefined;
  try {
    const bytes = readFileSync(pathOf(folder));
    text = fromUtf8(bytes.subarray(0, MAX_FILE));
    file = soundFile(JSON.parse(text));
  } catch (error) {
    throw damaged(error);
  }
  if (file === undefined || text !== textOf(file)) throw damaged();
  return file;
}

function soundFile(parsed: unknown): SealFile | undefined {
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const file = parsed as Partial<Omit<ByPassphrase, 'kind'>> & { readonly kind?: unknown };
  const { format, kind, salt, memory, passes, wrapped, tries, failures } = file;
  if (format !== 1 || typeof wrapped !== 'string' || !WRAPPED.test(wrapped)) return undefined;
  if (kind === 'file') return { format, kind, wrapped };
  const sound =
    kind === 'passphrase' &&
    typeof salt === 'string' &&
    SALT.test(salt) &&
    inRange(memory, 8192, MEMORY_KIB) &&
    inRange(passes, 1, MAX_PASSES) &&
    inRange(tries, 0, Number.MAX_SAFE_INTEGER) &&
    inRange(failures, 0, tries);
  return sound ? { format, kind, salt, memory, passes, wrapped, tries, failures } : undefined;
}

function inRange(value: number | undefined, least: number, most: number): value is number {
  return value !== undefined && Number.isSafeInteger(value) && value >= least && value <= most;
}
