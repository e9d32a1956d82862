import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { remainder } from '../../../../src/keys/fronts/ssh-agent/remainder.ts';

const number = (bytes: Uint8Array): bigint => BigInt(`0x0${bytes.toHex()}`);

test('the remainder is the one that BigInt finds, whatever the lengths', () => {
  const bytes = fc.uint8Array({ maxLength: 48 });
  fc.assert(
    fc.property(bytes, fc.uint8Array({ minLength: 1, maxLength: 32 }), (value, modulus) => {
      fc.pre(number(modulus) > 0n);
      const [keptValue, keptModulus] = [value.slice(), modulus.slice()];
      const rest = remainder(value, modulus);
      assert.equal(rest.length, modulus.length);
      assert.equal(number(rest), number(value) % number(modulus));
      assert.deepEqual([value, modulus], [keptValue, keptModulus], 'the inputs stay');
    }),
    { numRuns: 500 },
  );
});
