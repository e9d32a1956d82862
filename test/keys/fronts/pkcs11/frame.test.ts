// However a stream of frames is torn, the same frames come out of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BytesError } from '../../../../src/bytes/reader.ts';
import { concat } from '../../../../src/bytes/text.ts';
import { Writer } from '../../../../src/bytes/writer.ts';
import { FrameCutter, MAX_BODY } from '../../../../src/keys/fronts/pkcs11/frame.ts';

const frames = fc.array(
  fc.record({
    code: fc.nat(),
    options: fc.uint8Array({ maxLength: 20 }),
    // Beyond 1,024 bytes a torn frame is put together in memory of its own.
    body: fc.uint8Array({ maxLength: 3000 }),
  }),
  { minLength: 1, maxLength: 6 },
);

function written({ code, options, body }: { code: number; options: Uint8Array; body: Uint8Array }) {
  const header = new Writer().u32(code).u32(options.length).u32(body.length);
  return header.bytes(options).bytes(body).finish().slice();
}

test('frames come out whole wherever the stream is torn', () => {
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 4000 })), (sent, steps) => {
      const stream = concat(...sent.map(written));
      const cutter = new FrameCutter();
      const found: { code: number; body: Uint8Array }[] = [];
      // The memory of a chunk is used again, as the memory that is read into is.
      const chunk = new Uint8Array(4000);
      let at = 0;
      for (let turn = 0; at < stream.length; turn++) {
        const step = Math.min(steps[turn % steps.length] ?? 12, stream.length - at);
        chunk.fill(0xff);
        chunk.set(stream.subarray(at, at + step), 7 % (4001 - step));
        const start = 7 % (4001 - step);
        cutter.push(chunk, start, start + step, (code, bytes, from, to) => {
          found.push({ code, body: bytes.slice(from, to) });
        });
        at += step;
      }
      assert.deepEqual(
        found,
        sent.map(({ code, body }) => ({ code, body: new Uint8Array(body) })),
      );
      assert.equal(cutter.half, false);
    }),
    { numRuns: 200 },
  );
});

test('a length over the limit ends the stream before its memory is taken', () => {
  const cutter = new FrameCutter();
  const header = new Writer()
    .u32(16)
    .u32(0)
    .u32(MAX_BODY + 1)
    .finish()
    .slice();
  const none = (): void => assert.fail('there is no frame');
  cutter.push(header, 0, 11, none);
  assert.equal(cutter.half, true);
  assert.throws(() => cutter.push(header, 11, 12, none), BytesError);
});
