import { jsonRaw, jsonString, rawOfText } from './go-text.ts';
import {
  fieldsOf,
  idField,
  malformed,
  numberField,
  optionalId,
  parseJson,
  textField,
  textsField,
} from './parse.ts';
import type { Fields, Id } from './parse.ts';
import { parseTime } from './time.ts';

/** What a run did; a snapshot keeps it. Sizes in bytes. */
export interface SnapshotSummary {
  readonly backupStart: string;
  readonly backupEnd: string;
  readonly filesNew: number;
  readonly filesChanged: number;
  readonly filesUnmodified: number;
  readonly dirsNew: number;
  readonly dirsChanged: number;
  readonly dirsUnmodified: number;
  readonly dataBlobs: number;
  readonly treeBlobs: number;
  readonly dataAdded: number;
  readonly dataAddedPacked: number;
  readonly totalFilesProcessed: number;
  readonly totalBytesProcessed: number;
}

/** One state of a source. Its id is the SHA-256 of the object that holds it. */
export interface Snapshot {
  /** RFC 3339; its zone is that of the machine it was made on. */
  readonly time: string;
  readonly parent: Id | undefined;
  readonly tree: Id;
  /** Absolute, raw bytes. */
  readonly paths: readonly string[];
  readonly hostname: string;
  readonly username: string;
  readonly uid: number;
  readonly gid: number;
  readonly excludes: readonly string[];
  readonly tags: readonly string[];
  /** The first of a row of rewritten snapshots. */
  readonly original: Id | undefined;
  readonly programVersion: string;
  readonly summary: SnapshotSummary | undefined;
}

const encoder = new TextEncoder();

const SUMMARY_NUMBERS = [
  ['filesNew', 'files_new'],
  ['filesChanged', 'files_changed'],
  ['filesUnmodified', 'files_unmodified'],
  ['dirsNew', 'dirs_new'],
  ['dirsChanged', 'dirs_changed'],
  ['dirsUnmodified', 'dirs_unmodified'],
  ['dataBlobs', 'data_blobs'],
  ['treeBlobs', 'tree_blobs'],
  ['dataAdded', 'data_added'],
  ['dataAddedPacked', 'data_added_packed'],
  ['totalFilesProcessed', 'total_files_processed'],
  ['totalBytesProcessed', 'total_bytes_processed'],
] as const;

function jsonSummary(summary: SnapshotSummary): string {
  const numbers = SUMMARY_NUMBERS.map(([field, name]) => `"${name}":${summary[field]}`);
  return `{"backup_start":"${summary.backupStart}","backup_end":"${summary.backupEnd}",${numbers.join(',')}}`;
}

/** The JSON of a snapshot, its keys in restic's order. */
export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  const parts = [`"time":"${snapshot.time}"`];
  if (snapshot.parent !== undefined) parts.push(`"parent":"${snapshot.parent}"`);
  parts.push(`"tree":"${snapshot.tree}"`, `"paths":[${snapshot.paths.map(jsonRaw).join(',')}]`);
  if (snapshot.hostname !== '') parts.push(`"hostname":${jsonString(snapshot.hostname)}`);
  if (snapshot.username !== '') parts.push(`"username":${jsonString(snapshot.username)}`);
  if (snapshot.uid !== 0) parts.push(`"uid":${snapshot.uid}`);
  if (snapshot.gid !== 0) parts.push(`"gid":${snapshot.gid}`);
  if (snapshot.excludes.length > 0) {
    parts.push(`"excludes":[${snapshot.excludes.map(jsonString).join(',')}]`);
  }
  if (snapshot.tags.length > 0) parts.push(`"tags":[${snapshot.tags.map(jsonString).join(',')}]`);
  if (snapshot.original !== undefined) parts.push(`"original":"${snapshot.original}"`);
  if (snapshot.programVersion !== '') {
    parts.push(`"program_version":${jsonString(snapshot.programVersion)}`);
  }
  if (snapshot.summary !== undefined) parts.push(`"summary":${jsonSummary(snapshot.summary)}`);
  return encoder.encode(`{${parts.join(',')}}`);
}

const WHAT = 'a snapshot';

function timeField(fields: Fields, name: string): string {
  const text = textField(fields, name, WHAT);
  if (parseTime(text) === undefined) throw malformed(WHAT, `${name} is no time`);
  return text;
}

function summaryOf(value: unknown): SnapshotSummary | undefined {
  if (value === undefined || value === null) return undefined;
  const fields = fieldsOf(value, WHAT);
  const number = (name: string): number => numberField(fields, name, WHAT);
  return {
    backupStart: timeField(fields, 'backup_start'),
    backupEnd: timeField(fields, 'backup_end'),
    filesNew: number('files_new'),
    filesChanged: number('files_changed'),
    filesUnmodified: number('files_unmodified'),
    dirsNew: number('dirs_new'),
    dirsChanged: number('dirs_changed'),
    dirsUnmodified: number('dirs_unmodified'),
    dataBlobs: number('data_blobs'),
    treeBlobs: number('tree_blobs'),
    dataAdded: number('data_added'),
    dataAddedPacked: number('data_added_packed'),
    totalFilesProcessed: number('total_files_processed'),
    totalBytesProcessed: number('total_bytes_processed'),
  };
}

/** @throws {BackupError} BACKUP_MALFORMED */
export function decodeSnapshot(bytes: Uint8Array): Snapshot {
  const fields = fieldsOf(parseJson(bytes, WHAT), WHAT);
  return {
    time: timeField(fields, 'time'),
    parent: optionalId(fields, 'parent', WHAT),
    tree: idField(fields, 'tree', WHAT),
    paths: textsField(fields, 'paths', WHAT).map(rawOfText),
    hostname: textField(fields, 'hostname', WHAT),
    username: textField(fields, 'username', WHAT),
    uid: numberField(fields, 'uid', WHAT),
    gid: numberField(fields, 'gid', WHAT),
    excludes: textsField(fields, 'excludes', WHAT),
    tags: textsField(fields, 'tags', WHAT),
    original: optionalId(fields, 'original', WHAT),
    programVersion: textField(fields, 'program_version', WHAT),
    summary: summaryOf(fields['summary']),
  };
}
