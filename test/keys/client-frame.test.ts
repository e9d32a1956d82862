import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BytesError } from '../../src/bytes/reader.ts';
import { KeysError } from '../../src/keys/errors.ts';
import { FrameSplitter, decodeFrame, encodeFrame } from '../../src/keys/fronts/client/frame.ts';
import { parseRequest } from '../../src/keys/fronts/client/parse.ts';

test('a message comes back as it went, however the stream is cut', () => {
  const message = fc.record({ id: fc.nat(), data: fc.uint8Array(), name: fc.string() });
  fc.assert(
    fc.property(
      fc.array(message, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 50 }),
      (sent, step) => {
        const stream = Buffer.concat(sent.map((each) => encodeFrame(each)));
        const splitter = new FrameSplitter();
        const got: unknown[] = [];
        for (let at = 0; at < stream.length; at += step) {
          for (const frame of splitter.push(stream.subarray(at, at + step)))
            got.push(decodeFrame(frame));
        }
        const plain = (value: unknown): string =>
          JSON.stringify(value, (_key, each: unknown) =>
            each instanceof Uint8Array ? each.toHex() : each,
          );
        assert.equal(plain(got), plain(sent));
      },
    ),
  );
});

test('malformed messages are refused with a known error, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        parseRequest(decodeFrame(bytes));
      } catch (error) {
        assert.ok(error instanceof BytesError || error instanceof KeysError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
  const huge = new Uint8Array(4).fill(0xff);
  assert.throws(() => new FrameSplitter().push(huge), BytesError);
  const lying = new TextEncoder().encode('{"$b":[0,4294967295]}');
  assert.throws(
    () => decodeFrame(Buffer.concat([new Uint8Array([0, 0, 0, lying.length]), lying])),
    BytesError,
  );
});
