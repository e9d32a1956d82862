import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KNOWN_ANSWERS, runSelfTests, testRandomSource } from '../../src/keys/engine/self-test.ts';
import * as digests from '../../src/process/openssl.ts';
import { testedRandom } from '../../src/keys/engine/random.ts';

test('the self-tests pass, and each known answer can fail', () => {
  assert.ok(runSelfTests(digests) > KNOWN_ANSWERS.length);
  for (const { name } of KNOWN_ANSWERS) {
    const spoiled = KNOWN_ANSWERS.map((each) =>
      each.name === name
        ? { name, compute: each.compute, expected: `00${each.expected.slice(2)}` }
        : each,
    );
    assert.throws(() => runSelfTests(digests, spoiled), new RegExp(`self-test of ${name} failed`));
  }
});

test('a stuck or lopsided random source is found', () => {
  assert.throws(() => testRandomSource((length) => new Uint8Array(length)), /random bytes/);
  const few = (length: number): Uint8Array =>
    Uint8Array.from({ length }, (_, index) => (index * 7) % 11);
  assert.throws(() => testRandomSource(few), /random bytes/);
  assert.throws(
    () => runSelfTests(digests, KNOWN_ANSWERS, (length) => new Uint8Array(length)),
    /random/,
  );
});

test('a source that repeats itself stops the engine', () => {
  const reasons: string[] = [];
  const random = testedRandom(
    (length) => new Uint8Array(length),
    (reason) => reasons.push(reason),
  );
  assert.throws(() => random(32), /health test/);
  assert.equal(reasons.length, 1);
});
