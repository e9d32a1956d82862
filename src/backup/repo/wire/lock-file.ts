import { jsonString } from './go-text.ts';
import { fieldsOf, malformed, numberField, parseJson, textField } from './parse.ts';
import { parseTime } from './time.ts';

/** Who holds a repository, and whether others may too. */
export interface LockFile {
  readonly time: string;
  readonly exclusive: boolean;
  readonly hostname: string;
  readonly username: string;
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

export function encodeLock(lock: LockFile): Uint8Array {
  const parts = [
    `"time":"${lock.time}"`,
    `"exclusive":${lock.exclusive}`,
    `"hostname":${jsonString(lock.hostname)}`,
    `"username":${jsonString(lock.username)}`,
    `"pid":${lock.pid}`,
  ];
  if (lock.uid !== 0) parts.push(`"uid":${lock.uid}`);
  if (lock.gid !== 0) parts.push(`"gid":${lock.gid}`);
  return new TextEncoder().encode(`{${parts.join(',')}}`);
}

/** @throws {BackupError} BACKUP_MALFORMED */
export function decodeLock(bytes: Uint8Array): LockFile {
  const what = 'a lock';
  const fields = fieldsOf(parseJson(bytes, what), what);
  const time = textField(fields, 'time', what);
  if (parseTime(time) === undefined) throw malformed(what, 'its time is none');
  if (typeof fields['exclusive'] !== 'boolean') throw malformed(what, 'it does not say its kind');
  return {
    time,
    exclusive: fields['exclusive'],
    hostname: textField(fields, 'hostname', what),
    username: textField(fields, 'username', what),
    pid: numberField(fields, 'pid', what),
    uid: numberField(fields, 'uid', what),
    gid: numberField(fields, 'gid', what),
  };
}
