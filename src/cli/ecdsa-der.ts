import { BytesError, Reader } from '../bytes/reader.ts';
import { concat } from '../bytes/text.ts';
import { KeysError } from '../keys/client.ts';

/** Bytes of `r` and of `s` by the type of the key. */
const COORDINATE: Readonly<Record<string, number>> = {
  'ec-p256': 32,
  'ec-secp256k1': 32,
  'ec-p384': 48,
  'ec-p521': 66,
};

const INTEGER = 0x02;
const SEQUENCE = 0x30;

function integer(value: Uint8Array): Uint8Array {
  let start = 0;
  while (start < value.length - 1 && value[start] === 0) start++;
  const magnitude = value.subarray(start);
  const sign = (magnitude[0] ?? 0) >= 0x80 ? [0] : [];
  return Uint8Array.from([INTEGER, magnitude.length + sign.length, ...sign, ...magnitude]);
}

/** Ecdsa-Sig-Value (RFC 3279, 2.2.3) of `r` and `s` behind each other. */
export function derFromRaw(signature: Uint8Array): Uint8Array {
  const half = signature.length / 2;
  const inside = concat(integer(signature.subarray(0, half)), integer(signature.subarray(half)));
  const head = inside.length < 0x80 ? [inside.length] : [0x81, inside.length];
  return concat(Uint8Array.from([SEQUENCE, ...head]), inside);
}

/**
 * `r` and `s` behind each other, each of the length of the curve's order.
 * @throws {KeysError} SIGNATURE_INVALID when the bytes are no such DER
 */
export function rawFromDer(signature: Uint8Array, type: string): Uint8Array {
  const size = COORDINATE[type] ?? 0;
  try {
    const reader = new Reader(signature);
    if (reader.u8() !== SEQUENCE) throw new BytesError('no sequence');
    const length = lengthOf(reader);
    if (length !== reader.left) throw new BytesError('another length');
    const raw = new Uint8Array(size * 2);
    putInteger(reader, raw.subarray(0, size));
    putInteger(reader, raw.subarray(size));
    reader.end();
    return raw;
  } catch (error) {
    if (!(error instanceof BytesError)) throw error;
    throw new KeysError(
      'SIGNATURE_INVALID',
      'the signature is no DER of an ECDSA signature on this curve',
    );
  }
}

function lengthOf(reader: Reader): number {
  const first = reader.u8();
  if (first < 0x80) return first;
  if (first !== 0x81) throw new BytesError('a long length');
  return reader.u8();
}

function putInteger(reader: Reader, target: Uint8Array): void {
  if (reader.u8() !== INTEGER) throw new BytesError('no integer');
  const value = reader.bytes(lengthOf(reader));
  const magnitude = value[0] === 0 ? value.subarray(1) : value;
  if ((value[0] ?? 0) >= 0x80 || magnitude.length > target.length) {
    throw new BytesError('another curve');
  }
  target.set(magnitude, target.length - magnitude.length);
}
