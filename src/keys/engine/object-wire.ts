import { BytesError, Reader } from '../../bytes/reader.ts';
import { fromUtf8, utf8 } from '../../bytes/text.ts';
import { Writer } from '../../bytes/writer.ts';
import type { AttributeValue, Template } from './attribute.ts';
import { PURPOSES } from './purpose.ts';
import type { Purpose } from './purpose.ts';

/**
 * The clear body of a stored object, before the store seals it: format, purpose, attributes and, for
 * a key, its value as `key-material.ts` encodes it. The store binds the whole to the object's
 * identity and version, so a purpose cannot be edited or exchanged without breaking the seal.
 */
export interface ObjectBody {
  readonly purpose: Purpose;
  readonly attributes: Template;
  /** Empty when the object holds no key. To be wiped by the reader. */
  readonly material: Uint8Array;
}

const FORMAT = 1;
const LIMIT = 1 << 20;
const MAX_DEPTH = 4;

const KIND = { bool: 1, ulong: 2, bytes: 3, mechanisms: 4, template: 5 } as const;

function writeValue(writer: Writer, value: AttributeValue): void {
  if (typeof value === 'boolean') {
    writer.u8(KIND.bool).u8(value ? 1 : 0);
  } else if (typeof value === 'number') {
    writer.u8(KIND.ulong).u64(BigInt.asUintN(64, BigInt(value)));
  } else if (value instanceof Uint8Array) {
    writer.u8(KIND.bytes).bytes32(value);
  } else if (isTemplate(value)) {
    writer.u8(KIND.template);
    writeTemplate(writer, value);
  } else {
    writer.u8(KIND.mechanisms).u32(value.length);
    for (const mechanism of value) writer.u32(mechanism);
  }
}

function isTemplate(value: readonly number[] | Template): value is Template {
  return value instanceof Map;
}

/** In ascending order of type, so that equal templates have equal bytes. */
function writeTemplate(writer: Writer, template: Template): void {
  writer.u32(template.size);
  for (const [type, value] of [...template].sort((a, b) => a[0] - b[0])) {
    writer.u32(type);
    writeValue(writer, value);
  }
}

function readValue(reader: Reader, depth: number): AttributeValue {
  const kind = reader.u8();
  switch (kind) {
    case KIND.bool:
      return reader.u8() === 1;
    case KIND.ulong:
      return Number(BigInt.asIntN(64, reader.u64()));
    case KIND.bytes:
      // A copy even of a Buffer, whose own slice shares memory: the body is wiped after reading.
      return new Uint8Array(reader.bytes32(LIMIT));
    case KIND.mechanisms: {
      const count = reader.u32();
      if (count * 4 > reader.left) throw new BytesError('a mechanism list is cut off');
      return Array.from({ length: count }, () => reader.u32());
    }
    case KIND.template:
      if (depth >= MAX_DEPTH) throw new BytesError('templates are nested too deeply');
      return readTemplate(reader, depth + 1);
    default:
      throw new BytesError(`unknown kind of value ${kind}`);
  }
}

function readTemplate(reader: Reader, depth: number): Template {
  const count = reader.u32();
  if (count * 6 > reader.left) throw new BytesError('a template is cut off');
  const template = new Map<number, AttributeValue>();
  for (let index = 0; index < count; index++) {
    const type = reader.u32();
    template.set(type, readValue(reader, depth));
  }
  return template;
}

/** The bytes of a body, in new memory that the caller wipes when it held a key. */
export function encodeBody(body: ObjectBody): Uint8Array {
  // Large enough never to grow: growing would leave a copy of the key behind.
  const writer = new Writer(4096 + body.material.length + sizeOf(body.attributes));
  writer.u8(FORMAT).bytes32(utf8(body.purpose));
  writeTemplate(writer, body.attributes);
  writer.bytes32(body.material);
  return writer.finish();
}

function sizeOf(template: Template): number {
  let size = 0;
  for (const value of template.values()) {
    if (value instanceof Uint8Array) size += value.length + 16;
    else if (typeof value !== 'object') size += 16;
    else if (isTemplate(value)) size += 16 + sizeOf(value);
    else size += 16 + value.length * 4;
  }
  return size;
}

/**
 * Takes a body apart.
 * @throws {BytesError} when the bytes are not a body of this format
 */
export function decodeBody(bytes: Uint8Array): ObjectBody {
  const reader = new Reader(bytes);
  const format = reader.u8();
  if (format !== FORMAT) throw new BytesError(`unknown object format ${format}`);
  const name = fromUtf8(reader.bytes32(32));
  const purpose = PURPOSES.find((each) => each === name);
  if (purpose === undefined) throw new BytesError('unknown purpose');
  const attributes = readTemplate(reader, 0);
  const material = reader.bytes32(LIMIT);
  reader.end();
  return { purpose, attributes, material };
}
