import type { KeyObject } from 'node:crypto';
import type { AttributeValue, Template } from './attribute.ts';
import type { Purpose } from './purpose.ts';
import type { ObjectId } from './request.ts';

/**
 * One object of the token. Nothing in it changes in place: a change makes a new one under the same
 * id. A private or secret value exists only as `key`, an OpenSSL key object; `attributes` holds
 * none.
 */
export interface TokenObject {
  readonly id: ObjectId;
  readonly purpose: Purpose;
  readonly attributes: Template;
  readonly key: KeyObject | undefined;
  /** The client program that owns a session object; `undefined` for what is stored. */
  readonly scope: string | undefined;
}

/** A CK_BBOOL attribute; absent counts as false. */
export function isTrue(attributes: Template, type: number): boolean {
  return attributes.get(type) === true;
}

/** A CK_ULONG attribute. */
export function numberOf(attributes: Template, type: number): number | undefined {
  const value = attributes.get(type);
  return typeof value === 'number' ? value : undefined;
}

/** A byte attribute. */
export function bytesOf(attributes: Template, type: number): Uint8Array | undefined {
  const value = attributes.get(type);
  return value instanceof Uint8Array ? value : undefined;
}

/** A copy of attributes with some replaced. */
export function withAttributes(
  attributes: Template,
  changes: Iterable<readonly [number, AttributeValue]>,
): Template {
  return new Map([...attributes, ...changes]);
}
