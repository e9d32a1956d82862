import { SEAL_OVERHEAD } from './pack-header.ts';
import type { PackedBlob } from './pack-header.ts';
import { fieldsOf, idField, listField, malformed, numberField, parseJson } from './parse.ts';
import type { Id } from './parse.ts';

/** A pack with its blobs, as an index lists it. */
export interface IndexedPack {
  readonly id: Id;
  readonly blobs: readonly PackedBlob[];
}

const encoder = new TextEncoder();

function jsonBlob({ id, type, offset, length, plainLength }: PackedBlob): string {
  const plain = plainLength === 0 ? '' : `,"uncompressed_length":${plainLength}`;
  return `{"id":"${id}","type":"${type}","offset":${offset},"length":${length}${plain}}`;
}

export function encodeIndex(packs: readonly IndexedPack[]): Uint8Array {
  const each = packs.map(
    ({ id, blobs }) => `{"id":"${id}","blobs":[${blobs.map(jsonBlob).join(',')}]}`,
  );
  return encoder.encode(`{"packs":[${each.join(',')}]}`);
}

const WHAT = 'an index';
/** Offsets and lengths are u32 in packs. */
const MAX = 0xffff_ffff;

function blobOf(value: unknown): PackedBlob {
  const fields = fieldsOf(value, WHAT);
  const type = fields['type'];
  if (type !== 'data' && type !== 'tree') throw malformed(WHAT, 'a blob is of an unknown type');
  const blob: PackedBlob = {
    id: idField(fields, 'id', WHAT),
    type,
    offset: numberField(fields, 'offset', WHAT),
    length: numberField(fields, 'length', WHAT),
    plainLength: numberField(fields, 'uncompressed_length', WHAT),
  };
  if (blob.length < SEAL_OVERHEAD || blob.offset + blob.length > MAX || blob.plainLength > MAX) {
    throw malformed(WHAT, 'the place of a blob is impossible');
  }
  return blob;
}

/**
 * The packs of an index. Format version 1 of the very beginning, a bare list, is not read: restic
 * itself no longer does.
 * @throws {BackupError} BACKUP_MALFORMED
 */
export function decodeIndex(bytes: Uint8Array): IndexedPack[] {
  const fields = fieldsOf(parseJson(bytes, WHAT), WHAT);
  return listField(fields, 'packs', WHAT).map((value) => {
    const pack = fieldsOf(value, WHAT);
    return { id: idField(pack, 'id', WHAT), blobs: listField(pack, 'blobs', WHAT).map(blobOf) };
  });
}
