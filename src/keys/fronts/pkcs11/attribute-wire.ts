import { BytesError } from '../../../bytes/reader.ts';
import type { AttributeReading, AttributeValue, Template } from '../../engine/attribute.ts';
import { CKA } from '../../engine/pkcs11.ts';
import { CKR, ReturnValue } from './return-value.ts';
import type { ReplyWriter } from './wire/reply.ts';
import type { RequestReader } from './wire/request.ts';

/**
 * Attributes on the wire: u32 type, a byte that says whether there is a value, u32 length as the
 * client counts it, and the value in a form that follows from the type. Types that p11-kit does not
 * know travel as byte arrays: a CK_BBOOL is then one byte, a CK_ULONG eight in the client's order.
 */
type Form = 'byte' | 'ulong' | 'template' | 'mechanisms' | 'bytes';

const FORMS: ReadonlyMap<number, Form> = new Map<number, Form>([
  ...[
    CKA.TOKEN,
    CKA.PRIVATE,
    CKA.TRUSTED,
    CKA.SENSITIVE,
    CKA.ENCRYPT,
    CKA.DECRYPT,
    CKA.WRAP,
    CKA.UNWRAP,
    CKA.SIGN,
    CKA.SIGN_RECOVER,
    CKA.VERIFY,
    CKA.VERIFY_RECOVER,
    CKA.DERIVE,
    CKA.EXTRACTABLE,
    CKA.LOCAL,
    CKA.NEVER_EXTRACTABLE,
    CKA.ALWAYS_SENSITIVE,
    CKA.MODIFIABLE,
    CKA.COPYABLE,
    CKA.ALWAYS_AUTHENTICATE,
    CKA.WRAP_WITH_TRUSTED,
    0x200, // CKA_SECONDARY_AUTH
    0x302, // CKA_RESET_ON_INIT
    0x303, // CKA_HAS_RESET
    0x406, // CKA_COLOR
  ].map((type) => [type, 'byte'] as const),
  ...[
    CKA.CLASS,
    CKA.CERTIFICATE_TYPE,
    CKA.CERTIFICATE_CATEGORY,
    CKA.JAVA_MIDP_SECURITY_DOMAIN,
    CKA.KEY_TYPE,
    CKA.MODULUS_BITS,
    CKA.PRIME_BITS,
    0x134, // CKA_SUB_PRIME_BITS
    0x160, // CKA_VALUE_BITS
    CKA.VALUE_LEN,
    CKA.KEY_GEN_MECHANISM,
    0x201, // CKA_AUTH_PIN_FLAGS
    0x300, // CKA_HW_FEATURE_TYPE
    0x400, // CKA_PIXEL_X
    0x401, // CKA_PIXEL_Y
    0x402, // CKA_RESOLUTION
    0x403, // CKA_CHAR_ROWS
    0x404, // CKA_CHAR_COLUMNS
    0x405, // CKA_BITS_PER_PIXEL
    0x500, // CKA_MECHANISM_TYPE
  ].map((type) => [type, 'ulong'] as const),
  [CKA.WRAP_TEMPLATE, 'template'],
  [CKA.UNWRAP_TEMPLATE, 'template'],
  [CKA.DERIVE_TEMPLATE, 'template'],
  [CKA.ALLOWED_MECHANISMS, 'mechanisms'],
]);

/** Types that the engine takes as truth values or numbers and p11-kit as byte arrays. */
const BYTES_TO_FLAG: ReadonlySet<number> = new Set([
  CKA.DESTROYABLE,
  CKA.ENCAPSULATE,
  CKA.DECAPSULATE,
  CKA.STRONGROOM_CONFIRM,
]);
const BYTES_TO_NUMBER: ReadonlySet<number> = new Set([CKA.PARAMETER_SET]);

const MAX_ATTRIBUTES = 128;
const MAX_MECHANISMS = 256;
/** Templates within templates: the standard has one level, p11-kit stops at eight. */
const MAX_DEPTH = 4;

const NO_BYTES = new Uint8Array();

/**
 * `aA`: a template, its bytes copied.
 * @throws {BytesError} when it is malformed or nested too deep
 * @throws {ReturnValue} TEMPLATE_INCONSISTENT, ATTRIBUTE_VALUE_INVALID
 */
export function readTemplate(reader: RequestReader, depth = 0): Template {
  if (depth > MAX_DEPTH) throw new BytesError('templates are nested too deep');
  const count = reader.u32();
  if (count > MAX_ATTRIBUTES) throw new ReturnValue('TEMPLATE_INCONSISTENT');
  const template = new Map<number, AttributeValue>();
  for (let index = 0; index < count; index++) {
    const type = reader.u32();
    if (reader.byte() === 0) throw new ReturnValue('ATTRIBUTE_VALUE_INVALID');
    const length = reader.u32();
    const value = readValue(reader, type, length, depth);
    if (template.has(type)) throw new ReturnValue('TEMPLATE_INCONSISTENT');
    template.set(type, value);
  }
  return template;
}

function readValue(
  reader: RequestReader,
  type: number,
  length: number,
  depth: number,
): AttributeValue {
  switch (FORMS.get(type) ?? 'bytes') {
    case 'byte': {
      const value = reader.byte();
      if (length !== 1) throw new ReturnValue('ATTRIBUTE_VALUE_INVALID');
      return value !== 0;
    }
    case 'ulong': {
      const value = reader.ulong();
      if (length !== 8) throw new ReturnValue('ATTRIBUTE_VALUE_INVALID');
      return value;
    }
    case 'template':
      return readTemplate(reader, depth + 1);
    case 'mechanisms': {
      const count = reader.u32();
      if (count > MAX_MECHANISMS) throw new ReturnValue('ATTRIBUTE_VALUE_INVALID');
      return Array.from({ length: count }, () => reader.ulong());
    }
    case 'bytes':
      return valueOfBytes(type, reader.array() ?? NO_BYTES);
  }
}

function valueOfBytes(type: number, bytes: Uint8Array): AttributeValue {
  if (BYTES_TO_FLAG.has(type) && bytes.length === 1) return bytes[0] !== 0;
  if (BYTES_TO_NUMBER.has(type) && bytes.length === 8) {
    return Number(Buffer.from(bytes).readBigUInt64LE(0));
  }
  return new Uint8Array(bytes);
}

/** One attribute that C_GetAttributeValue asks for, and the size of the client's buffer for it. */
export interface Wanted {
  readonly type: number;
  /** 0 when only the length is asked for. */
  readonly size: number;
}

/**
 * `fA`, the last argument of its call. Up to 0.25.0 the list is flat; later a template in it brings
 * a list of its own, which releases before 0.25.6 sent even when empty: what fits the length is it.
 * @throws {BytesError} when no form fits
 * @throws {ReturnValue} ARGUMENTS_BAD when too many are asked for
 */
export function readWanted(reader: RequestReader): Wanted[] {
  const count = reader.u32();
  if (count > MAX_ATTRIBUTES) throw new ReturnValue('ARGUMENTS_BAD');
  if (reader.left === count * 8) {
    return Array.from({ length: count }, () => ({ type: reader.u32(), size: reader.u32() }));
  }
  const mark = reader.mark();
  try {
    const wanted = readNested(reader, count, false, 0);
    reader.end();
    return wanted;
  } catch {
    reader.backTo(mark);
    return readNested(reader, count, true, 0);
  }
}

function readNested(
  reader: RequestReader,
  count: number,
  whenEmpty: boolean,
  depth: number,
): Wanted[] {
  if (depth > MAX_DEPTH || count > MAX_ATTRIBUTES) throw new BytesError('too many attributes');
  const wanted: Wanted[] = [];
  for (let index = 0; index < count; index++) {
    const type = reader.u32();
    const size = reader.u32();
    wanted.push({ type, size });
    if (FORMS.get(type) === 'template' && (whenEmpty || size !== 0)) {
      readNested(reader, reader.u32(), whenEmpty, depth + 1);
    }
  }
  return wanted;
}

/** How long a value is in the client's memory. */
export function lengthOf(value: AttributeValue): number {
  if (typeof value === 'boolean') return 1;
  if (typeof value === 'number') return 8;
  if (value instanceof Uint8Array) return value.length;
  return Array.isArray(value) ? value.length * 8 : 0;
}

function ulongBytes(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return bytes;
}

function writeValue(writer: ReplyWriter, type: number, value: AttributeValue): void {
  if (value instanceof Uint8Array) {
    writer.array(value);
  } else if (typeof value === 'boolean') {
    if (FORMS.get(type) === 'byte') writer.byte(value ? 1 : 0);
    else writer.array(Uint8Array.of(value ? 1 : 0));
  } else if (typeof value === 'number') {
    if (FORMS.get(type) === 'ulong') writer.ulong(value);
    else writer.array(ulongBytes(value));
  } else if (Array.isArray(value)) {
    writer.u32(value.length);
    for (const each of value) writer.ulong(each as number);
  }
}

/**
 * `aAu`: one answer for each attribute asked for, and the CK_RV over all: it overrides what the
 * client found out itself, so a buffer that is too small must show here (PKCS#11 v3.1, 5.7.5).
 */
export function writeReadings(
  writer: ReplyWriter,
  wanted: readonly Wanted[],
  readings: readonly AttributeReading[],
): void {
  let verdict: number = CKR.OK;
  writer.u32(wanted.length);
  wanted.forEach(({ type, size }, index) => {
    writer.u32(type);
    const reading = readings[index];
    if (reading === undefined || 'missing' in reading) {
      writer.byte(0);
      const sensitive = reading !== undefined && reading.missing === 'sensitive';
      verdict = sensitive ? CKR.ATTRIBUTE_SENSITIVE : CKR.ATTRIBUTE_TYPE_INVALID;
      return;
    }
    const length = lengthOf(reading.value);
    if (size !== 0 && size < length) {
      writer.byte(0);
      if (verdict === CKR.OK) verdict = CKR.BUFFER_TOO_SMALL;
      return;
    }
    writer.byte(1);
    writer.u32(length);
    writeValue(writer, type, reading.value);
  });
  writer.ulong(verdict);
}
