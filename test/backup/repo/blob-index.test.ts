import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { BlobIndex } from '../../../src/backup/repo/blob-index.ts';
import type { PackedBlob } from '../../../src/backup/repo/wire/pack-header.ts';

const idOf = (text: string): string => createHash('sha256').update(text).digest('hex');

test('every blob is found in its place, and no other', () => {
  const index = new BlobIndex();
  const expected = new Map<string, PackedBlob & { pack: string }>();
  for (let pack = 0; pack < 60; pack++) {
    const blobs = Array.from({ length: 97 }, (_, number): PackedBlob => {
      const plainLength = number % 3 === 0 ? 0 : 0xffff_0000 + number;
      const type = pack % 2 === 0 ? 'data' : 'tree';
      return {
        id: idOf(`${pack}/${number}`),
        type,
        offset: number * 1000,
        length: 900,
        plainLength,
      };
    });
    index.add({ id: idOf(`pack ${pack}`), blobs });
    for (const blob of blobs) expected.set(blob.id, { ...blob, pack: idOf(`pack ${pack}`) });
  }
  assert.equal(index.size, 60 * 97);
  for (const [id, place] of expected) {
    const other = place.type === 'data' ? 'tree' : 'data';
    assert.deepEqual(index.find(id, place.type), place);
    assert.equal(index.find(id, other), undefined);
    assert.equal(index.plainLengthOf(id, place.type), place.plainLength || 868);
    const entry = index.entryOf(id, place.type);
    assert.ok(entry !== undefined);
    assert.deepEqual(index.at(entry), place);
    assert.equal(index.packs[index.packNumberAt(entry)], place.pack);
  }
  assert.equal(index.has(idOf('nothing'), 'data'), false);
  assert.deepEqual([...index], [...expected.values()]);
});

test('a blob in several packs has all its places; a pack is added once', () => {
  const index = new BlobIndex();
  const blob: PackedBlob = { id: idOf('b'), type: 'data', offset: 0, length: 40, plainLength: 0 };
  for (const name of ['one', 'two', 'one', 'three']) {
    index.add({ id: idOf(name), blobs: [blob] });
  }
  assert.deepEqual(
    index.findAll(blob.id, 'data').map((place) => place.pack),
    ['one', 'two', 'three'].map(idOf),
  );
  assert.equal(index.find(blob.id, 'data')?.pack, idOf('one'));
  assert.equal(index.size, 3);
});

test('a hash and its type decide together', () => {
  const index = new BlobIndex();
  const blob = { id: 'ab'.repeat(32), offset: 0, length: 40, plainLength: 0 };
  index.add({ id: idOf('p'), blobs: [{ ...blob, type: 'data' }] });
  index.add({ id: idOf('q'), blobs: [{ ...blob, type: 'tree' }] });
  assert.equal(index.find(blob.id, 'data')?.pack, idOf('p'));
  assert.equal(index.find(blob.id, 'tree')?.pack, idOf('q'));
});
