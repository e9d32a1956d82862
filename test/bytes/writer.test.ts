import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BytesError, Reader } from '../../src/bytes/reader.ts';
import { Writer } from '../../src/bytes/writer.ts';

test('what is written is read again, however small the writer began', () => {
  const value = fc.record({
    small: fc.integer({ min: 0, max: 255 }),
    middle: fc.integer({ min: 0, max: 65_535 }),
    large: fc.integer({ min: 0, max: 0xffff_ffff }),
    huge: fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
    bytes: fc.uint8Array({ maxLength: 40 }),
  });
  fc.assert(
    fc.property(fc.array(value, { maxLength: 12 }), fc.integer({ min: 0, max: 9 }), (all, room) => {
      const writer = new Writer(room);
      for (const { small, middle, large, huge, bytes } of all) {
        writer.u8(small).u16(middle).u32(large).u64(huge).bytes32(bytes);
      }
      const reader = new Reader(writer.finish());
      for (const { small, middle, large, huge, bytes } of all) {
        assert.equal(reader.u8(), small);
        assert.equal(reader.u16(), middle);
        assert.equal(reader.u32(), large);
        assert.equal(reader.u64(), huge);
        assert.deepEqual(new Uint8Array(reader.bytes32(40)), bytes);
      }
      reader.end();
    }),
  );
});

test('a length beyond the bytes or the limit is refused before anything is taken', () => {
  assert.throws(() => new Reader(new Uint8Array([255, 255, 255, 255, 1])).bytes32(10), BytesError);
  assert.throws(() => new Reader(new Uint8Array([0, 0, 0, 9, 1])).bytes32(10), BytesError);
});
