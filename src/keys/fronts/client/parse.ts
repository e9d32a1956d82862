import { KeysError } from '../../errors.ts';
import type { Mechanism } from '../../engine/mechanism/mechanism.ts';
import type { AttributeValue, Template } from '../../engine/attribute.ts';
import type { KeysRequest } from '../../engine/request.ts';
import type { FrameValue } from './frame.ts';

type Field = 'id' | 'bytes' | 'template' | 'mechanism' | 'numbers' | 'number';

/** The fields of every verb. */
const FIELDS: Readonly<Record<KeysRequest['verb'], Readonly<Record<string, Field>>>> = {
  find: { template: 'template' },
  attributes: { object: 'id', types: 'numbers' },
  create: { template: 'template' },
  copy: { object: 'id', template: 'template' },
  set: { object: 'id', template: 'template' },
  destroy: { object: 'id' },
  generate: { mechanism: 'mechanism', template: 'template' },
  'generate-pair': {
    mechanism: 'mechanism',
    publicTemplate: 'template',
    privateTemplate: 'template',
  },
  sign: { key: 'id', mechanism: 'mechanism', data: 'bytes' },
  verify: { key: 'id', mechanism: 'mechanism', data: 'bytes', signature: 'bytes' },
  encrypt: { key: 'id', mechanism: 'mechanism', data: 'bytes' },
  decrypt: { key: 'id', mechanism: 'mechanism', data: 'bytes' },
  wrap: { mechanism: 'mechanism', wrappingKey: 'id', key: 'id' },
  unwrap: { mechanism: 'mechanism', unwrappingKey: 'id', wrapped: 'bytes', template: 'template' },
  derive: { mechanism: 'mechanism', baseKey: 'id', template: 'template' },
  encapsulate: { mechanism: 'mechanism', publicKey: 'id', template: 'template' },
  decapsulate: {
    mechanism: 'mechanism',
    privateKey: 'id',
    ciphertext: 'bytes',
    template: 'template',
  },
  random: { length: 'number' },
};

/** The fields of each kind of mechanism parameter. */
const PARAMETERS: Readonly<
  Record<Mechanism['parameter']['kind'], Readonly<Record<string, 'bytes' | 'number' | 'boolean'>>>
> = {
  none: {},
  iv: { iv: 'bytes' },
  gcm: { iv: 'bytes', aad: 'bytes', tagBits: 'number' },
  ctr: { counterBits: 'number', block: 'bytes' },
  pss: { hash: 'number', mgf: 'number', saltLength: 'number' },
  oaep: { hash: 'number', mgf: 'number', label: 'bytes' },
  ecdh: { kdf: 'number', sharedData: 'bytes', publicData: 'bytes' },
  hkdf: { extract: 'boolean', expand: 'boolean', hash: 'number', salt: 'bytes', info: 'bytes' },
  eddsa: { prehash: 'boolean', context: 'bytes' },
  mldsa: { context: 'bytes', hedge: 'boolean' },
  mac: { length: 'number' },
};

function bad(what: string): KeysError {
  return new KeysError('ARGUMENTS_BAD', `the request has no valid ${what}`);
}

/** A plain object of a message. */
export function recordOf(value: FrameValue, what: string): Readonly<Record<string, FrameValue>> {
  if (
    typeof value !== 'object' ||
    value === null ||
    Array.isArray(value) ||
    value instanceof Map ||
    value instanceof Uint8Array
  ) {
    throw bad(what);
  }
  return value as Readonly<Record<string, FrameValue>>;
}

function isAttributeValue(value: FrameValue, depth: number): value is AttributeValue {
  if (typeof value === 'boolean' || value instanceof Uint8Array) return true;
  if (typeof value === 'number') return Number.isSafeInteger(value);
  if (Array.isArray(value)) return value.every((each) => Number.isSafeInteger(each));
  return value instanceof Map && isTemplate(value, depth + 1);
}

function isTemplate(value: FrameValue, depth: number): value is Template {
  return (
    value instanceof Map &&
    depth < 4 &&
    value.size <= 128 &&
    [...value.values()].every((each) => isAttributeValue(each as FrameValue, depth))
  );
}

function isMechanism(value: FrameValue): boolean {
  const { type, parameter } = recordOf(value, 'mechanism');
  if (!Number.isSafeInteger(type)) return false;
  const fields = recordOf(parameter, 'mechanism parameter');
  const kind = fields['kind'];
  if (typeof kind !== 'string' || !Object.hasOwn(PARAMETERS, kind)) return false;
  return Object.entries(PARAMETERS[kind as keyof typeof PARAMETERS]).every(([name, form]) => {
    const field = fields[name];
    if (form === 'bytes') return field instanceof Uint8Array;
    return form === 'number' ? Number.isSafeInteger(field) : typeof field === 'boolean';
  });
}

function isField(form: Field, value: FrameValue): boolean {
  switch (form) {
    case 'id':
      return typeof value === 'string' && value.length <= 64;
    case 'bytes':
      return value instanceof Uint8Array;
    case 'number':
      return Number.isSafeInteger(value);
    case 'numbers':
      return (
        Array.isArray(value) &&
        value.length <= 256 &&
        value.every((each) => Number.isSafeInteger(each))
      );
    case 'template':
      return isTemplate(value, 0);
    case 'mechanism':
      return isMechanism(value);
  }
}

/**
 * A request of a message, every field checked.
 * @throws {KeysError} ARGUMENTS_BAD naming the field
 */
export function parseRequest(value: FrameValue): KeysRequest {
  const fields = recordOf(value, 'request');
  const verb = fields['verb'];
  if (typeof verb !== 'string' || !Object.hasOwn(FIELDS, verb)) throw bad('verb');
  for (const [name, form] of Object.entries(FIELDS[verb as KeysRequest['verb']])) {
    if (!isField(form, fields[name])) throw bad(name);
  }
  // Every field that the type names was checked above; the tables and the type stand side by side.
  return fields as object as KeysRequest;
}
