/**
 * `value` modulo `modulus`, both unsigned and big-endian: the one calculation that importing an RSA
 * key from SSH needs. Bit by bit, so that every intermediate value is bytes that are wiped (a BigInt
 * cannot be), and without branches on secret bits.
 * @returns as many bytes as `modulus` has, the caller's to wipe
 */
export function remainder(value: Uint8Array, modulus: Uint8Array): Uint8Array {
  const size = modulus.length;
  // One byte more than the modulus: twice a remainder and one bit fits.
  const rest = new Uint8Array(size + 1);
  const less = new Uint8Array(size + 1);
  for (const byte of value) {
    for (let bit = 7; bit >= 0; bit--) {
      let carry = (byte >> bit) & 1;
      for (let index = size; index >= 0; index--) {
        const shifted = ((rest[index] as number) << 1) | carry;
        rest[index] = shifted;
        carry = shifted >> 8;
      }
      let borrow = 0;
      for (let index = size; index >= 0; index--) {
        const difference = (rest[index] as number) - (modulus[index - 1] ?? 0) - borrow;
        less[index] = difference;
        borrow = (difference >> 8) & 1;
      }
      // All ones where the modulus was too much, and the rest stays.
      const keep = -borrow & 0xff;
      for (let index = size; index >= 0; index--) {
        rest[index] = ((rest[index] as number) & keep) | ((less[index] as number) & ~keep);
      }
    }
  }
  const result = rest.slice(1);
  rest.fill(0);
  less.fill(0);
  return result;
}
