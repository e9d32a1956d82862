import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mechanisms } from '../../src/keys/engine/mechanism/table.ts';
import {
  COVERED_BY_RANDOM,
  KNOWN_ANSWERS,
  runSelfTests,
  testRandomSource,
} from '../../src/keys/engine/self-test.ts';
import * as digests from '../../src/process/openssl.ts';
import { testedRandom } from '../../src/keys/engine/random.ts';

test('the self-tests pass, and each known answer can fail', () => {
  assert.equal(runSelfTests(digests), KNOWN_ANSWERS.length + 1);
  for (const answer of KNOWN_ANSWERS) {
    const begin = answer.expected.startsWith('00') ? 'ff' : '00';
    const spoiled = { ...answer, expected: `${begin}${answer.expected.slice(2)}` };
    const message = new RegExp(`self-test of ${answer.name} failed`);
    assert.throws(() => runSelfTests(digests, [spoiled]), message);
    const broken = { ...answer, compute: (): never => assert.fail('a mechanism that throws') };
    assert.throws(() => runSelfTests(digests, [broken]), message);
  }
});

test('every mechanism of the table has its known answer', () => {
  const covered = new Set([...KNOWN_ANSWERS.flatMap(({ covers }) => covers), ...COVERED_BY_RANDOM]);
  const missing = [...mechanisms.values()].filter(({ type }) => !covered.has(type));
  assert.deepEqual(
    missing.map(({ label }) => label),
    [],
  );
  const names = KNOWN_ANSWERS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length, 'a failure names one test');
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
