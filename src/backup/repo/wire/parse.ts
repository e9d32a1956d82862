import { BackupError } from '../../errors.ts';

/**
 * Reading JSON that was decrypted: it is authentic, and still it may have been written by a broken
 * or hostile client, so every field is looked at before it is used.
 */

/** Hexadecimal SHA-256 of an object or blob. */
export type Id = string;

const ID = /^[0-9a-f]{64}$/;

export function malformed(what: string, detail: string, cause?: unknown): BackupError {
  return new BackupError('BACKUP_MALFORMED', `${what} is malformed: ${detail}`, {
    duty: 'peer',
    ...(cause === undefined ? {} : { cause }),
  });
}

export type Fields = Readonly<Record<string, unknown>>;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** A whole number of 16 digits or more outside of a string would lose its end as a double. */
const LONG_NUMBER = /[:,[]\s*-?\d{16,}\s*[,}\]]/;

/**
 * JSON of UTF-8 bytes. Whole numbers beyond 2^53 come as bigint.
 * @throws {BackupError} BACKUP_MALFORMED
 */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    const text = decoder.decode(bytes);
    return LONG_NUMBER.test(text) ? parseExactly(text) : (JSON.parse(text) as unknown);
  } catch (error) {
    throw malformed(what, 'it is not JSON', error);
  }
}

function parseExactly(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
    const source = context?.source;
    return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
  });
}

/** @throws {BackupError} BACKUP_MALFORMED when it is no JSON object */
export function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed(what, 'it is no object');
  }
  return value as Fields;
}

export function textField(fields: Fields, name: string, what: string): string {
  const value = fields[name] ?? '';
  if (typeof value !== 'string') throw malformed(what, `${name} is no text`);
  return value;
}

/** A whole number from 0 to 2^53 - 1; 0 when it is absent. */
export function numberField(fields: Fields, name: string, what: string): number {
  const value = fields[name] ?? 0;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw malformed(what, `${name} is no whole number`);
  }
  return value;
}

export function idField(fields: Fields, name: string, what: string): Id {
  const value = fields[name];
  if (!isId(value)) throw malformed(what, `${name} is no id`);
  return value;
}

export function optionalId(fields: Fields, name: string, what: string): Id | undefined {
  return fields[name] === undefined || fields[name] === null
    ? undefined
    : idField(fields, name, what);
}

export function listField(fields: Fields, name: string, what: string): readonly unknown[] {
  const value = fields[name] ?? [];
  if (!Array.isArray(value)) throw malformed(what, `${name} is no list`);
  return value;
}

export function textsField(fields: Fields, name: string, what: string): readonly string[] {
  return listField(fields, name, what).map((each) => {
    if (typeof each !== 'string') throw malformed(what, `${name} holds what is no text`);
    return each;
  });
}

/** Bytes written in base64; empty when absent. */
export function bytesField(fields: Fields, name: string, what: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(textField(fields, name, what));
  } catch (error) {
    throw error instanceof BackupError ? error : malformed(what, `${name} is no base64`, error);
  }
}

export function isId(value: unknown): value is Id {
  return typeof value === 'string' && ID.test(value);
}
