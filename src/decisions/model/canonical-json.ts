import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { DecisionsError } from '../errors.ts';

/** What may be in a document that is hashed or signed: no floats, so that nothing is rounded. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json };

/**
 * The one serialisation of a document (RFC 8785). Members that are `undefined` are left out.
 * @throws {DecisionsError} for a number that is not a safe integer, a string that is not well-formed
 * Unicode, and whatever JSON does not have
 */
export function canonicalJson(document: unknown): string {
  check(document, '');
  const text = canonicalize(document);
  if (text === undefined) throw notJson('');
  return text;
}

/** SHA-256 of the canonical JSON in UTF-8, lower-case hexadecimal. */
export function hashOf(document: unknown): string {
  return createHash('sha256').update(canonicalJson(document), 'utf8').digest('hex');
}

function check(value: unknown, path: string): void {
  if (value === null || typeof value === 'boolean') return;
  if (typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0)) return;
  if (typeof value === 'string' && value.isWellFormed()) return;
  if (Array.isArray(value)) {
    for (const [index, member] of value.entries()) check(member, `${path}[${index}]`);
    return;
  }
  if (typeof value !== 'object') throw notJson(path);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw notJson(path);
  for (const [name, member] of Object.entries(value)) {
    if (member !== undefined) check(member, path === '' ? name : `${path}.${name}`);
  }
}

function notJson(path: string): DecisionsError {
  const place = path === '' ? 'the document' : path;
  return new DecisionsError('NOT_CANONICAL', `${place} cannot be written as canonical JSON`, {
    mend: 'use whole numbers, text, lists and objects only',
  });
}
