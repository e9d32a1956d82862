/**
 * As much of DER (X.690) as keys need, written into one buffer whose length is known before: no
 * copy of a private value is left in memory that nobody wipes.
 */
export type Der = { readonly tag: number; readonly inside: readonly Der[] } | Uint8Array;

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const SEQUENCE = 0x30;

const UNUSED_BITS = Uint8Array.of(0);

/** SEQUENCE */
export function sequence(...inside: readonly Der[]): Der {
  return { tag: SEQUENCE, inside };
}

/** OCTET STRING */
export function octets(...inside: readonly Der[]): Der {
  return { tag: OCTET_STRING, inside };
}

/** BIT STRING of whole bytes. */
export function bits(...inside: readonly Der[]): Der {
  return { tag: BIT_STRING, inside: [UNUSED_BITS, ...inside] };
}

/** A value under any other tag. */
export function tagged(tag: number, ...inside: readonly Der[]): Der {
  return { tag, inside };
}

const SIGN = Uint8Array.of(0);

/** INTEGER of an unsigned number, its leading zeros left away; shares memory with it. */
export function integer(value: Uint8Array): Der {
  let start = 0;
  while (start < value.length - 1 && value[start] === 0) start++;
  const trimmed = value.subarray(start);
  const negative = trimmed.length === 0 || (trimmed[0] as number) >= 0x80;
  return { tag: INTEGER, inside: negative ? [SIGN, trimmed] : [trimmed] };
}

function insideLength(der: readonly Der[]): number {
  return der.reduce((sum, each) => sum + derLength(each), 0);
}

/** Bytes that an encoding takes. */
function derLength(der: Der): number {
  if (der instanceof Uint8Array) return der.length;
  const length = insideLength(der.inside);
  return length + (length < 0x80 ? 2 : length < 0x100 ? 3 : 4);
}

function write(der: Der, bytes: Uint8Array, start: number): number {
  if (der instanceof Uint8Array) {
    bytes.set(der, start);
    return start + der.length;
  }
  let at = start;
  const length = insideLength(der.inside);
  bytes[at++] = der.tag;
  if (length >= 0x100) {
    bytes[at++] = 0x82;
    bytes[at++] = length >> 8;
  } else if (length >= 0x80) {
    bytes[at++] = 0x81;
  }
  bytes[at++] = length & 0xff;
  for (const each of der.inside) at = write(each, bytes, at);
  return at;
}

/** The bytes, in new memory, up to 65,535 a value. */
export function encodeDer(der: Der): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(derLength(der));
  write(der, bytes, 0);
  return bytes;
}
