import { join } from 'node:path';
import { concat, utf8 } from '../bytes/text.ts';
import { openConnection } from './connection.ts';
import type { Connection } from './connection.ts';
import type { AttributeValue, Template } from './engine/attribute.ts';
import type { Mechanism } from './engine/mechanism/mechanism.ts';
import { CKA, CKM, CKO } from './engine/pkcs11.ts';
import type { KeysRequest, ObjectId, Replies, ReplyTo } from './engine/request.ts';
import { KeysError } from './errors.ts';
import type { FrameValue } from './fronts/client/frame.ts';
import { halvesOf, keysOf, readable } from './key-info.ts';
import type { KeyInfo } from './key-info.ts';
import {
  commonTemplate,
  keyTypeNamed,
  materialTemplate,
  secretClass,
  secretTemplate,
} from './key-template.ts';
import type { ImportOptions, KeyMaterial, KeyOptions } from './key-template.ts';
import { KEY_TYPES, OAEP_SHA256, usualSignature } from './key-type.ts';
import type { KeysStatus } from './status.ts';

export { readable } from './key-info.ts';
export type { KeyInfo } from './key-info.ts';
export { keyTypeNamed } from './key-template.ts';
export type { ImportOptions, KeyMaterial, KeyOptions } from './key-template.ts';
export { SCHEME_NAMES, prehashOf, schemeNamed, schemesOf } from './signature.ts';
export type { Prehash } from './signature.ts';
export type { KeysStatus, PinState } from './status.ts';
export type { Mechanism } from './engine/mechanism/mechanism.ts';
export { PURPOSES } from './engine/purpose.ts';
export type { Purpose } from './engine/purpose.ts';
export { KeysError } from './errors.ts';
export { KEY_TYPES } from './key-type.ts';

/**
 * A connection to the key process. Every part of Strongroom holds keys by this: names and handles
 * go over it, key values never do.
 */
export class KeysClient {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Any request of the engine. @throws {KeysError} as the engine threw it */
  async handle<Request extends KeysRequest>(request: Request): Promise<ReplyTo<Request>> {
    // The reply's form follows from the verb; both ends are built from the same types.
    const reply: unknown = await this.call('handle', request as object as FrameValue);
    return (reply ?? undefined) as Replies[Request['verb']];
  }

  /** A call beside the engine's: status, lock, unlock, … */
  call(name: string, body: FrameValue = null): Promise<FrameValue> {
    return this.#connection.send(name, body);
  }

  async status(): Promise<KeysStatus> {
    return (await this.call('status')) as object as KeysStatus;
  }

  /** Every key, ordered by name. */
  async list(): Promise<KeyInfo[]> {
    const found = await Promise.all(
      [CKO.PRIVATE_KEY, CKO.PUBLIC_KEY, CKO.SECRET_KEY].map((objectClass) =>
        this.handle({ verb: 'find', template: new Map([[CKA.CLASS, objectClass]]) }),
      ),
    );
    return await this.#describe(found.flat());
  }

  /**
   * The key of this name, or the one whose CKA_ID is HEX for `id:HEX`.
   * @throws {KeysError} when there is none, or more than one
   */
  async key(name: string): Promise<KeyInfo> {
    const keys = await this.#named(CKA.LABEL, utf8(name));
    const id = /^id:((?:[0-9a-f]{2}){1,64})$/i.exec(name)?.[1];
    if (keys.length === 0 && id !== undefined) {
      keys.push(...(await this.#named(CKA.ID, Uint8Array.fromHex(id))));
    }
    const [only, second] = keys;
    if (only === undefined) {
      throw new KeysError('OBJECT_HANDLE_INVALID', `there is no key named \`${name}\``, {
        mend: 'strongroom key list shows them',
      });
    }
    if (second !== undefined) {
      const ids = keys.map((key) => `id:${key.id}`).join(', ');
      throw new KeysError('OBJECT_HANDLE_INVALID', `several keys are named \`${name}\``, {
        mend: `name it by its id: ${ids}`,
      });
    }
    return only;
  }

  /** The key of this name, or `undefined`. */
  async find(name: string): Promise<KeyInfo | undefined> {
    return (await this.#named(CKA.LABEL, utf8(name)))[0];
  }

  async #named(attribute: number, value: Uint8Array): Promise<KeyInfo[]> {
    const template = new Map<number, AttributeValue>([[attribute, value]]);
    return await this.#describe(await this.handle({ verb: 'find', template }));
  }

  async #describe(objects: readonly ObjectId[]): Promise<KeyInfo[]> {
    return keysOf(
      await Promise.all(
        objects.map(async (object) => ({
          object,
          attributes: readable(await this.handle({ verb: 'attributes', object, types: [] })),
        })),
      ),
    );
  }

  /** Makes a key inside. @throws {KeysError} when the name is taken or the type unknown */
  async create(name: string, options: KeyOptions): Promise<KeyInfo> {
    const type = keyTypeNamed(options.type);
    const purpose = options.purpose ?? type.purposes[0];
    if (!type.purposes.includes(purpose)) {
      throw new KeysError(
        'TEMPLATE_INCONSISTENT',
        `a key of type ${type.name} can be made for ${type.purposes.join(', ')} only`,
      );
    }
    await this.#free(name);
    const common = commonTemplate(name, purpose);
    const secretSide = secretTemplate(options);
    const mechanism: Mechanism = { type: type.generator, parameter: { kind: 'none' } };
    if (type.pair) {
      await this.handle({
        verb: 'generate-pair',
        mechanism,
        publicTemplate: new Map([...common, ...type.parameters, [CKA.PRIVATE, false]]),
        privateTemplate: new Map([...common, ...secretSide]),
      });
    } else {
      await this.handle({
        verb: 'generate',
        mechanism,
        template: new Map([
          ...common,
          ...type.parameters,
          [CKA.KEY_TYPE, type.keyType],
          ...secretSide,
        ]),
      });
    }
    return await this.key(name);
  }

  /**
   * Takes a key in that was made elsewhere. The caller wipes the material.
   * @throws {KeysError} when the name is taken, the type unknown or the material no such key
   */
  async import(name: string, material: KeyMaterial, options: ImportOptions): Promise<KeyInfo> {
    await this.#free(name);
    const common = commonTemplate(name, options.purpose);
    const value = materialTemplate(material);
    const template = new Map([...common, ...value, ...secretTemplate(options)]);
    const object = await this.handle({ verb: 'create', template });
    return await this.#complete(name, common, object, ({ publicKeyInfo }) => {
      if (material.kind !== 'components' || publicKeyInfo === undefined) return;
      if (material.fits(publicKeyInfo)) return;
      throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'the two halves of this key do not fit');
    });
  }

  /**
   * A key under a key made for wrapping: AES-KWP (RFC 5649) or RSA-OAEP with SHA-256, around the
   * bytes of a secret key or the PKCS#8 DER of a private one.
   * @throws {KeysError} KEY_UNEXTRACTABLE unless the key was made extractable
   */
  async wrap(wrappingKey: KeyInfo, key: KeyInfo): Promise<Uint8Array> {
    return await this.handle({
      verb: 'wrap',
      mechanism: wrapping(wrappingKey),
      wrappingKey: half(wrappingKey, 'public', 'wrap'),
      key: half(key, 'private', 'wrap'),
    });
  }

  /**
   * A key out of its wrapping. `type` is what it must turn out to be.
   * @throws {KeysError} WRAPPED_KEY_INVALID, TEMPLATE_INCONSISTENT
   */
  async unwrap(
    name: string,
    unwrappingKey: KeyInfo,
    wrapped: Uint8Array,
    options: KeyOptions,
  ): Promise<KeyInfo> {
    const type = keyTypeNamed(options.type);
    await this.#free(name);
    const common = commonTemplate(name, options.purpose);
    const kind: Template = type.pair
      ? new Map([
          [CKA.CLASS, CKO.PRIVATE_KEY],
          [CKA.KEY_TYPE, type.keyType],
        ])
      : secretClass(type.name);
    const object = await this.handle({
      verb: 'unwrap',
      mechanism: wrapping(unwrappingKey),
      unwrappingKey: half(unwrappingKey, 'private', 'unwrap'),
      wrapped,
      template: new Map([...common, ...kind, ...secretTemplate(options)]),
    });
    return await this.#complete(name, common, object, (key) => {
      if (key.type === type.name) return;
      throw new KeysError('TEMPLATE_INCONSISTENT', `this is a key of type ${key.type}`, {
        mend: `--type ${key.type} takes it as what it is`,
      });
    });
  }

  /** Puts the public half beside a private key that came in; takes both away when that fails. */
  async #complete(
    name: string,
    common: Template,
    object: ObjectId,
    check: (key: KeyInfo) => void,
  ): Promise<KeyInfo> {
    try {
      const types = [CKA.PUBLIC_KEY_INFO, CKA.STRONGROOM_PURPOSE];
      const shown = readable(await this.handle({ verb: 'attributes', object, types }));
      if (shown.has(CKA.PUBLIC_KEY_INFO)) {
        const template = new Map([
          ...common,
          ...shown,
          [CKA.CLASS, CKO.PUBLIC_KEY],
          [CKA.PRIVATE, false],
        ]);
        await this.handle({ verb: 'create', template });
      }
      const key = await this.key(name);
      check(key);
      return key;
    } catch (error) {
      const made = await this.find(name);
      for (const each of made === undefined ? [object] : halvesOf(made)) {
        await this.handle({ verb: 'destroy', object: each });
      }
      throw error;
    }
  }

  /** @throws {KeysError} when the name is taken */
  async #free(name: string): Promise<void> {
    if (name.trim() === '' || utf8(name).length > 200) {
      throw new KeysError('ARGUMENTS_BAD', 'a key needs a name of 1 to 200 bytes');
    }
    if ((await this.find(name)) !== undefined) {
      throw new KeysError('TEMPLATE_INCONSISTENT', `a key named \`${name}\` exists already`, {
        mend: 'take another name, or rename the other key first',
      });
    }
  }

  /** @throws {KeysError} when the new name is taken */
  async rename(key: KeyInfo, name: string): Promise<void> {
    await this.#free(name);
    const template = new Map<number, AttributeValue>([[CKA.LABEL, utf8(name)]]);
    for (const object of halvesOf(key)) await this.handle({ verb: 'set', object, template });
  }

  async destroy(key: KeyInfo): Promise<void> {
    for (const object of halvesOf(key)) await this.handle({ verb: 'destroy', object });
  }

  /** Signs (or MACs) with the usual mechanism of the key's type unless one is named. */
  async sign(key: KeyInfo, data: Uint8Array, mechanism?: Mechanism): Promise<Uint8Array> {
    return await this.handle({
      verb: 'sign',
      key: half(key, 'private', 'sign'),
      mechanism: mechanism ?? signatureOf(key),
      data,
    });
  }

  /** @throws {KeysError} SIGNATURE_INVALID */
  async verify(
    key: KeyInfo,
    data: Uint8Array,
    signature: Uint8Array,
    mechanism?: Mechanism,
  ): Promise<void> {
    await this.handle({
      verb: 'verify',
      key: half(key, 'public', 'verify'),
      mechanism: mechanism ?? signatureOf(key),
      data,
      signature,
    });
  }

  /**
   * AES-256-GCM with a fresh nonce in front (12 bytes) and the tag (16 bytes) behind; RSA-OAEP with
   * SHA-256 for an RSA key.
   */
  async encrypt(
    key: KeyInfo,
    data: Uint8Array,
    associated: Uint8Array = new Uint8Array(),
  ): Promise<Uint8Array> {
    if (key.type.startsWith('rsa')) {
      const object = half(key, 'public', 'encrypt');
      return await this.handle({ verb: 'encrypt', key: object, mechanism: OAEP_SHA256, data });
    }
    const iv = await this.handle({ verb: 'random', length: 12 });
    const sealed = await this.handle({
      verb: 'encrypt',
      key: half(key, 'private', 'encrypt'),
      mechanism: gcm(iv, associated),
      data,
    });
    return concat(iv, sealed);
  }

  /** @throws {KeysError} ENCRYPTED_DATA_INVALID */
  async decrypt(
    key: KeyInfo,
    data: Uint8Array,
    associated: Uint8Array = new Uint8Array(),
  ): Promise<Uint8Array> {
    const object = half(key, 'private', 'decrypt');
    if (key.type.startsWith('rsa')) {
      return await this.handle({ verb: 'decrypt', key: object, mechanism: OAEP_SHA256, data });
    }
    if (data.length < 28) {
      throw new KeysError(
        'ENCRYPTED_DATA_LEN_RANGE',
        'this is too short to have been encrypted here',
      );
    }
    return await this.handle({
      verb: 'decrypt',
      key: object,
      mechanism: gcm(data.subarray(0, 12), associated),
      data: data.subarray(12),
    });
  }

  close(): void {
    this.#connection.close();
  }
}

/** The way to wrap with this key: RSA-OAEP for RSA, AES-KWP (RFC 5649) otherwise. */
function wrapping(key: KeyInfo): Mechanism {
  return key.type.startsWith('rsa')
    ? OAEP_SHA256
    : { type: CKM.AES_KEY_WRAP_KWP, parameter: { kind: 'none' } };
}

function gcm(iv: Uint8Array, aad: Uint8Array): Mechanism {
  return { type: CKM.AES_GCM, parameter: { kind: 'gcm', iv, aad, tagBits: 128 } };
}

/** The mechanism that `sign` and `verify` take when none is named. @throws {KeysError} */
export function signatureOf(key: KeyInfo): Mechanism {
  const type = KEY_TYPES.find((each) =>
    // RSA keys that came from outside may have other sizes than the ones made here.
    key.type.startsWith('rsa-') ? each.name.startsWith('rsa-') : each.name === key.type,
  );
  const mechanism = type === undefined ? undefined : usualSignature(type, key.purpose);
  if (mechanism !== undefined) return mechanism;
  throw new KeysError(
    'KEY_FUNCTION_NOT_PERMITTED',
    `this key was made for ${key.purpose} and signs nothing`,
  );
}

function half(key: KeyInfo, side: 'private' | 'public', operation: string): ObjectId {
  const object = key.secretKey ?? (side === 'private' ? key.privateKey : key.publicKey);
  if (object !== undefined) return object;
  throw new KeysError('KEY_HANDLE_INVALID', `the ${side} half that ${operation} needs is not here`);
}

/** Where the key process of a home listens for its own parts. */
export function keysSocket(home: string): string {
  return join(home, 'keys.sock');
}

/**
 * Connects to the key process of a home folder. The connection survives a restart of that process,
 * session objects do not.
 * @throws {StrongroomError} KEYS_NOT_RUNNING when none is running there
 */
export async function connectKeys(home: string): Promise<KeysClient> {
  return new KeysClient(await openConnection(keysSocket(home)));
}
