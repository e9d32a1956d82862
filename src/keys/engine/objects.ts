import { createSecretKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { equalBytes } from '../../bytes/compare.ts';
import { KeysError } from '../errors.ts';
import type { AttributeValue, Template } from './attribute.ts';
import { encodePrivate, privateFromDer, publicFromDer } from './mechanism/key-material.ts';
import { isTrue, numberOf } from './object.ts';
import type { TokenObject } from './object.ts';
import { decodeBody, encodeBody } from './object-wire.ts';
import { CKA, CKO } from './pkcs11.ts';
import type { Caller, ObjectId } from './request.ts';

/** The part of a store that objects need; `keys/store` has it. */
export interface ObjectStore {
  commit(change: {
    readonly put: readonly { readonly id: string; readonly body: Uint8Array }[];
    readonly remove: readonly string[];
  }): void;
}

/** Objects that a token holds at the most, session objects included. */
const MAX_OBJECTS = 100_000;

/** Every object in memory, and the same on disk before anything is answered. */
export class Objects {
  readonly #store: ObjectStore;
  readonly #onDrop: (key: KeyObject) => void;
  readonly #byId = new Map<ObjectId, TokenObject>();
  /** Rises with every change of an object: what was decided about an older version is void. */
  readonly #versions = new Map<ObjectId, number>();

  /**
   * @param records what the store holds; the bodies are wiped
   * @param onDrop told of every key that is destroyed or locked away
   * @throws {BytesError} when a body is of an unknown format
   */
  constructor(
    store: ObjectStore,
    records: Iterable<{ readonly id: string; readonly body: Uint8Array }>,
    onDrop: (key: KeyObject) => void = () => undefined,
  ) {
    this.#store = store;
    this.#onDrop = onDrop;
    for (const { id, body } of records) {
      const { purpose, attributes, material } = decodeBody(body);
      const key = keyFrom(attributes, material);
      body.fill(0);
      this.#byId.set(id, { id, purpose, attributes, key, scope: undefined });
    }
  }

  get size(): number {
    return this.#byId.size;
  }

  version(id: ObjectId): number {
    return this.#versions.get(id) ?? 0;
  }

  /** Whether the caller may know of the object at all. */
  #sees(object: TokenObject, caller: Caller): boolean {
    if (object.scope !== undefined && object.scope !== caller.scope) return false;
    return !isTrue(object.attributes, CKA.PRIVATE) || caller.role === 'user';
  }

  /** @throws {KeysError} OBJECT_HANDLE_INVALID also when the caller may not see it */
  get(id: ObjectId, caller: Caller): TokenObject {
    const object = this.#byId.get(id);
    if (object === undefined || !this.#sees(object, caller)) {
      throw new KeysError('OBJECT_HANDLE_INVALID', 'there is no such object');
    }
    return object;
  }

  find(template: Template, caller: Caller): ObjectId[] {
    const found: ObjectId[] = [];
    for (const object of this.#byId.values()) {
      if (this.#sees(object, caller) && matches(object.attributes, template)) found.push(object.id);
    }
    return found;
  }

  count(): { publicObjects: number; privateObjects: number } {
    let privateObjects = 0;
    for (const object of this.#byId.values()) {
      if (isTrue(object.attributes, CKA.PRIVATE)) privateObjects++;
    }
    return { publicObjects: this.#byId.size - privateObjects, privateObjects };
  }

  /** Adds or replaces objects, all or none; durable when it returns. */
  put(objects: readonly Omit<TokenObject, 'id'>[], ids?: readonly ObjectId[]): ObjectId[] {
    if (this.#byId.size + objects.length > MAX_OBJECTS) {
      throw new KeysError('DEVICE_MEMORY', `the token holds ${MAX_OBJECTS} objects at the most`);
    }
    const named = objects.map((object, index) => ({
      ...object,
      id: ids?.[index] ?? randomBytes(16).toString('hex'),
    }));
    const bodies = named
      .filter((object) => object.scope === undefined)
      .map((object) => ({ id: object.id, body: bodyOf(object) }));
    try {
      if (bodies.length > 0) this.#store.commit({ put: bodies, remove: [] });
    } finally {
      for (const { body } of bodies) body.fill(0);
    }
    for (const object of named) {
      this.#byId.set(object.id, object);
      this.#versions.set(object.id, this.version(object.id) + 1);
    }
    return named.map((object) => object.id);
  }

  /** Destroys objects, all or none; final when it returns. */
  remove(ids: readonly ObjectId[]): void {
    const stored = ids.filter((id) => {
      const object = this.#byId.get(id);
      return object !== undefined && object.scope === undefined;
    });
    if (stored.length > 0) this.#store.commit({ put: [], remove: stored });
    for (const id of ids) {
      const key = this.#byId.get(id)?.key;
      this.#byId.delete(id);
      this.#versions.delete(id);
      if (key !== undefined) this.#onDrop(key);
    }
  }

  /** Drops every object from memory; what is stored stays stored. */
  forgetAll(): void {
    for (const { key } of this.#byId.values()) if (key !== undefined) this.#onDrop(key);
    this.#byId.clear();
    this.#versions.clear();
  }

  /** Ids of what matches, whoever asks: for the end of a scope and of the token. */
  all(wanted: (object: TokenObject) => boolean): ObjectId[] {
    return [...this.#byId.values()].filter(wanted).map((object) => object.id);
  }
}

function matches(attributes: Template, template: Template): boolean {
  for (const [type, wanted] of template) {
    const value = attributes.get(type);
    if (value === undefined || !sameValue(value, wanted)) return false;
  }
  return true;
}

/** Equality of attribute values. */
export function sameValue(a: AttributeValue, b: AttributeValue): boolean {
  if (a instanceof Uint8Array) return b instanceof Uint8Array && equalBytes(a, b);
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((each, index) => each === b[index]);
  }
  return a === b;
}

function bodyOf(object: TokenObject): Uint8Array {
  const key = object.key;
  const material = materialOf(key);
  try {
    return encodeBody({ purpose: object.purpose, attributes: object.attributes, material });
  } finally {
    material.fill(0);
  }
}

function materialOf(key: KeyObject | undefined): Uint8Array {
  if (key === undefined) return new Uint8Array();
  if (key.type === 'secret') return key.export();
  if (key.type === 'public') return key.export({ format: 'der', type: 'spki' });
  return encodePrivate(key);
}

function keyFrom(attributes: Template, material: Uint8Array): KeyObject | undefined {
  if (material.length === 0) return undefined;
  switch (numberOf(attributes, CKA.CLASS)) {
    case CKO.PRIVATE_KEY:
      return privateFromDer(material);
    case CKO.PUBLIC_KEY:
      return publicFromDer(material);
    case CKO.SECRET_KEY:
      return createSecretKey(material);
    default:
      return undefined;
  }
}
