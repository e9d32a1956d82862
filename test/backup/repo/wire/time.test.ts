import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  formatNanoseconds,
  formatTime,
  parseTime,
  sameTime,
} from '../../../../src/backup/repo/wire/time.ts';

test('times are written as RFC 3339 with trailing zeros cut', () => {
  assert.equal(formatTime(0, 0, 0), '1970-01-01T00:00:00Z');
  assert.equal(formatTime(1_700_000_000, 120_000_000, 0), '2023-11-14T22:13:20.12Z');
  assert.equal(formatTime(1_700_000_000, 1, 330), '2023-11-15T03:43:20.000000001+05:30');
  assert.equal(formatTime(-1, 999_999_999, -210), '1969-12-31T20:29:59.999999999-03:30');
  assert.equal(formatNanoseconds(-1n, 0), '1969-12-31T23:59:59.999999999Z');
  assert.equal(formatNanoseconds(951_782_400_000_000_000n, 0), '2000-02-29T00:00:00Z');
});

test('years that RFC 3339 cannot write are moved into its range', () => {
  assert.match(formatTime(-1e12, 0, 0), /^0000-/);
  assert.match(formatTime(1e12, 0, 0), /^9999-/);
});

test('the calendar agrees with Date, and reading undoes writing', () => {
  const nanoseconds = fc.bigInt({
    min: -60_000_000_000n * 10n ** 9n,
    max: 250_000_000_000n * 10n ** 9n,
  });
  fc.assert(
    fc.property(nanoseconds, fc.integer({ min: -14 * 60, max: 14 * 60 }), (time, offset) => {
      const text = formatNanoseconds(time, offset);
      assert.deepEqual(parseTime(text), { time, offset });
      const utc = formatNanoseconds(time, 0);
      const milliseconds = Number(
        (time - (((time % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n,
      );
      assert.equal(Date.parse(`${utc.slice(0, 19)}Z`), Math.floor(milliseconds / 1000) * 1000);
      assert.ok(sameTime(text, utc));
    }),
  );
});

test('the local zone is the one of the moment', () => {
  for (const seconds of [1_700_000_000, 1_720_000_000, 0]) {
    const offset = -new Date(seconds * 1000).getTimezoneOffset();
    assert.equal(parseTime(formatTime(seconds, 5))?.offset, offset || 0);
  }
});

test('what is no time is refused', () => {
  for (const bad of [
    '',
    '2023-11-14',
    '2023-13-01T00:00:00Z',
    '2023-01-01T24:00:00Z',
    '2023-01-01T00:00:00',
    '2023-01-01 00:00:00Z',
    '2023-01-32T00:00:00Z',
  ]) {
    assert.equal(parseTime(bad), undefined, bad);
  }
});
