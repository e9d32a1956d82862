import { isUtf8, jsonRaw, jsonString, quoteGo, rawOfText, unquoteGo } from './go-text.ts';
import {
  bytesField,
  fieldsOf,
  idField,
  isId,
  listField,
  malformed,
  optionalId,
  textField,
} from './parse.ts';
import type { Fields, Id } from './parse.ts';
import { parseTime } from './time.ts';

/** What a node is; another kind than these may come from another platform and is kept as it is. */
export const NODE_TYPES = [
  'file',
  'dir',
  'symlink',
  'dev',
  'chardev',
  'fifo',
  'socket',
  'irregular',
] as const;

export type NodeType = (typeof NODE_TYPES)[number];

/** A whole number of 64 bits: bigint only where it is beyond 2^53. */
export type Whole = number | bigint;

/** An extended attribute; ACLs and SELinux labels are among them. */
export interface Xattr {
  readonly name: string;
  readonly value: Uint8Array;
}

/** One entry of a directory, as the repository keeps it. */
export interface Node {
  /** Raw bytes, one a character; never with a slash when it was read from a directory. */
  readonly name: string;
  readonly type: NodeType;
  /** Go's os.FileMode: see `goMode`. */
  readonly mode: number;
  /** RFC 3339, see `formatTime`. */
  readonly mtime: string;
  readonly atime: string;
  readonly ctime: string;
  readonly uid: number;
  readonly gid: number;
  readonly user: string;
  readonly group: string;
  readonly inode: Whole;
  /** st_dev; only of files with several links. */
  readonly deviceId: Whole;
  /** Bytes of a file. */
  readonly size: number;
  readonly links: number;
  /** Raw bytes of a symbolic link's target. */
  readonly linkTarget: string;
  readonly xattrs: readonly Xattr[];
  /** `generic_attributes` of other platforms as compact JSON, passed through. */
  readonly generic: string | undefined;
  /** st_rdev of a device. */
  readonly device: Whole;
  /** Blobs of a file in order; `undefined` for all but files. */
  readonly content: readonly Id[] | undefined;
  /** The tree of a directory. */
  readonly subtree: Id | undefined;
  readonly error: string;
}

const GO_DIR = 0x8000_0000;
const GO_SYMLINK = 0x0800_0000;
const GO_DEVICE = 0x0400_0000;
const GO_FIFO = 0x0200_0000;
const GO_SOCKET = 0x0100_0000;
const GO_SETUID = 0x0080_0000;
const GO_SETGID = 0x0040_0000;
const GO_CHAR = 0x0020_0000;
const GO_STICKY = 0x0010_0000;

const TYPE_BITS: Readonly<Record<number, number>> = {
  0o040000: GO_DIR,
  0o120000: GO_SYMLINK,
  0o060000: GO_DEVICE,
  0o020000: GO_DEVICE + GO_CHAR,
  0o010000: GO_FIFO,
  0o140000: GO_SOCKET,
};

/** Go's os.FileMode of st_mode. */
export function goMode(mode: number): number {
  return (
    (mode & 0o777) +
    (TYPE_BITS[mode & 0o170000] ?? 0) +
    ((mode & 0o4000) === 0 ? 0 : GO_SETUID) +
    ((mode & 0o2000) === 0 ? 0 : GO_SETGID) +
    ((mode & 0o1000) === 0 ? 0 : GO_STICKY)
  );
}

/** Permission bits of st_mode (07777) of Go's os.FileMode. */
export function unixMode(mode: number): number {
  return (
    (mode & 0o777) |
    ((mode & GO_SETUID) === 0 ? 0 : 0o4000) |
    ((mode & GO_SETGID) === 0 ? 0 : 0o2000) |
    ((mode & GO_STICKY) === 0 ? 0 : 0o1000)
  );
}

function jsonIds(ids: readonly Id[] | undefined): string {
  if (ids === undefined) return 'null';
  return ids.length === 0 ? '[]' : `["${ids.join('","')}"]`;
}

function jsonXattrs(xattrs: readonly Xattr[]): string {
  const each = xattrs.map(
    ({ name, value }) => `{"name":${jsonRaw(name)},"value":"${value.toBase64()}"}`,
  );
  return `[${each.join(',')}]`;
}

/** The JSON of a node, equal to what encoding/json makes of restic's Node. */
export function encodeNode(node: Node): string {
  let json = `{"name":${jsonString(quoteGo(node.name))},"type":"${node.type}"`;
  if (node.mode !== 0) json += `,"mode":${node.mode}`;
  json += `,"mtime":"${node.mtime}","atime":"${node.atime}","ctime":"${node.ctime}"`;
  json += `,"uid":${node.uid},"gid":${node.gid}`;
  if (node.user !== '') json += `,"user":${jsonString(node.user)}`;
  if (node.group !== '') json += `,"group":${jsonString(node.group)}`;
  if (node.inode !== 0) json += `,"inode":${node.inode}`;
  if (node.deviceId !== 0) json += `,"device_id":${node.deviceId}`;
  if (node.size !== 0) json += `,"size":${node.size}`;
  if (node.links !== 0) json += `,"links":${node.links}`;
  if (node.linkTarget !== '') {
    json += `,"linktarget":${jsonRaw(node.linkTarget)}`;
    if (!isUtf8(node.linkTarget)) {
      json += `,"linktarget_raw":"${Buffer.from(node.linkTarget, 'latin1').toString('base64')}"`;
    }
  }
  if (node.xattrs.length > 0) json += `,"extended_attributes":${jsonXattrs(node.xattrs)}`;
  if (node.generic !== undefined) json += `,"generic_attributes":${node.generic}`;
  if (node.device !== 0) json += `,"device":${node.device}`;
  json += `,"content":${jsonIds(node.content)}`;
  if (node.subtree !== undefined) json += `,"subtree":"${node.subtree}"`;
  if (node.error !== '') json += `,"error":${jsonString(node.error)}`;
  return `${json}}`;
}

const WHAT = 'a node of a tree';

/** A whole number of 64 bits. */
function wholeField(fields: Fields, name: string): Whole {
  const value = fields[name] ?? 0;
  if (typeof value === 'bigint') {
    if (value >= 0n && value < 1n << 64n) return value;
  } else if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw malformed(WHAT, `${name} is no whole number`);
}

function smallField(fields: Fields, name: string, limit: number): number {
  const value = wholeField(fields, name);
  if (typeof value === 'number' && value <= limit) return value;
  throw malformed(WHAT, `${name} is too large`);
}

function timeField(fields: Fields, name: string): string {
  const value = textField(fields, name, WHAT);
  // The zero time of Go stands where a writer had none.
  if (value === '') return '0001-01-01T00:00:00Z';
  if (parseTime(value) === undefined) throw malformed(WHAT, `${name} is no time`);
  return value;
}

function xattrOf(value: unknown): Xattr {
  const fields = fieldsOf(value, 'an extended attribute');
  return {
    name: rawOfText(textField(fields, 'name', WHAT)),
    value: bytesField(fields, 'value', WHAT),
  };
}

function contentOf(fields: Fields): readonly Id[] | undefined {
  if (fields['content'] === null || fields['content'] === undefined) return undefined;
  const ids = listField(fields, 'content', WHAT);
  if (!ids.every(isId)) throw malformed(WHAT, 'content holds what is no id');
  return ids;
}

/** Compact JSON with sorted keys of the outermost object, `<`, `>` and `&` escaped, as Go does. */
function genericOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const fields = fieldsOf(value, 'generic_attributes');
  const keys = Object.keys(fields).sort();
  if (keys.length === 0) return undefined;
  const each = keys.map((key) => {
    const raw = JSON.stringify(fields[key], (_name, inner: unknown) =>
      typeof inner === 'bigint' ? Number(inner) : inner,
    );
    const escaped = raw.replaceAll(
      /[<>&\u2028\u2029]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    return `${jsonString(key)}:${escaped}`;
  });
  return `{${each.join(',')}}`;
}

/** @throws {BackupError} BACKUP_MALFORMED */
export function decodeNode(value: unknown): Node {
  const fields = fieldsOf(value, WHAT);
  const name = unquoteGo(textField(fields, 'name', WHAT));
  if (name === undefined) throw malformed(WHAT, 'its name is not quoted as Go does');
  const type = NODE_TYPES.find((each) => each === fields['type']);
  if (type === undefined) throw malformed(WHAT, 'its type is unknown');
  const rawTarget = bytesField(fields, 'linktarget_raw', WHAT);
  return {
    name,
    type,
    mode: smallField(fields, 'mode', 0xffff_ffff),
    mtime: timeField(fields, 'mtime'),
    atime: timeField(fields, 'atime'),
    ctime: timeField(fields, 'ctime'),
    uid: smallField(fields, 'uid', 0xffff_ffff),
    gid: smallField(fields, 'gid', 0xffff_ffff),
    user: textField(fields, 'user', WHAT),
    group: textField(fields, 'group', WHAT),
    inode: wholeField(fields, 'inode'),
    deviceId: wholeField(fields, 'device_id'),
    size: smallField(fields, 'size', Number.MAX_SAFE_INTEGER),
    links: smallField(fields, 'links', Number.MAX_SAFE_INTEGER),
    linkTarget:
      rawTarget.length > 0
        ? Buffer.from(rawTarget).toString('latin1')
        : rawOfText(textField(fields, 'linktarget', WHAT)),
    xattrs: listField(fields, 'extended_attributes', WHAT).map(xattrOf),
    generic: genericOf(fields['generic_attributes']),
    device: wholeField(fields, 'device'),
    content: contentOf(fields),
    subtree:
      type === 'dir' ? idField(fields, 'subtree', WHAT) : optionalId(fields, 'subtree', WHAT),
    error: textField(fields, 'error', WHAT),
  };
}
