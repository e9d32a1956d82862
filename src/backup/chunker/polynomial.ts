import { randomFillSync } from 'node:crypto';

/** Degree of the polynomials that restic cuts with. */
export const DEGREE = 53;

/** Degree of a polynomial over GF(2) whose coefficients are the bits of `value`; -1 of zero. */
export function degreeOf(value: bigint): number {
  return value === 0n ? -1 : value.toString(2).length - 1;
}

/** The remainder of a division of polynomials over GF(2). */
export function remainder(value: bigint, divisor: bigint): bigint {
  const degree = degreeOf(divisor);
  let rest = value;
  for (let left = degreeOf(rest); left >= degree; left = degreeOf(rest)) {
    rest ^= divisor << BigInt(left - degree);
  }
  return rest;
}

/** The product of two polynomials over GF(2), reduced. */
function product(a: bigint, b: bigint, modulus: bigint): bigint {
  let sum = 0n;
  let factor = remainder(a, modulus);
  for (let left = b; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) sum ^= factor;
    factor = remainder(factor << 1n, modulus);
  }
  return sum;
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [left, right] = [a, b];
  while (right !== 0n) [left, right] = [right, remainder(left, right)];
  return left;
}

/**
 * Ben-Or's test: irreducible when x^(2^i) - x has no common divisor with the polynomial for every i
 * up to half its degree.
 */
export function isIrreducible(polynomial: bigint): boolean {
  const degree = degreeOf(polynomial);
  if (degree < 1) return false;
  let power = 2n;
  for (let step = 1; step <= Math.floor(degree / 2); step++) {
    power = product(power, power, polynomial);
    if (greatestCommonDivisor(polynomial, power ^ 2n) !== 1n) return false;
  }
  return true;
}

/** A random irreducible polynomial of degree 53; about one in 53 candidates is one. */
export function randomPolynomial(): bigint {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  for (;;) {
    randomFillSync(bytes);
    const candidate =
      (view.getBigUint64(0) & ((1n << BigInt(DEGREE)) - 1n)) | (1n << BigInt(DEGREE)) | 1n;
    if (isIrreducible(candidate)) return candidate;
  }
}
