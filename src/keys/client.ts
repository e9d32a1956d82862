import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { StrongroomError } from '../errors.ts';
import type { Duty } from '../errors.ts';
import { concat, utf8 } from '../bytes/text.ts';
import type { AttributeReading, AttributeValue, Template } from './engine/attribute.ts';
import type { Mechanism } from './engine/mechanism/mechanism.ts';
import { CKA, CKM, CKO } from './engine/pkcs11.ts';
import { PURPOSES } from './engine/purpose.ts';
import type { Purpose } from './engine/purpose.ts';
import type { KeysRequest, ObjectId, Replies, ReplyTo } from './engine/request.ts';
import { KeysError, isKeysErrorCode } from './errors.ts';
import { FrameSplitter, encodeFrame, decodeFrame } from './fronts/client/frame.ts';
import type { FrameValue } from './fronts/client/frame.ts';
import { recordOf } from './fronts/client/parse.ts';
import { KEY_TYPES, OAEP_SHA256, usualSignature } from './key-type.ts';
import type { KeyType } from './key-type.ts';

/** What `strongroom status` tells of the key process. */
export interface KeysStatus {
  readonly state: 'operational' | 'locked' | 'failed' | 'unprovisioned';
  /** Why no key is used, when a self-test or the store refused. */
  readonly failure: string | null;
  readonly seals: readonly { readonly kind: string; readonly description: string }[];
  readonly label: string | null;
  readonly objects: number;
  /** Changes that the store ever took: a lower number than before means an older folder was put back. */
  readonly generation: number | null;
  readonly served: number;
  readonly refused: number;
  readonly pid: number;
  readonly startedAt: string;
  readonly selfTests: { readonly count: number; readonly milliseconds: number } | null;
  readonly permissions: Readonly<Record<string, boolean>>;
  /** The version of Landlock by which the kernel confines the key process; 0 where it has none. */
  readonly landlock: number;
  readonly secureHeap: { readonly total: number; readonly used: number };
  readonly physicalProtection: 'none';
  readonly certification: 'none';
}

/** A key as people see it: one name, one or two halves. */
export interface KeyInfo {
  readonly name: string;
  readonly type: string;
  readonly purpose: Purpose;
  readonly privateKey: ObjectId | undefined;
  readonly publicKey: ObjectId | undefined;
  readonly secretKey: ObjectId | undefined;
  readonly extractable: boolean;
  readonly neverExtractable: boolean;
  readonly local: boolean;
  readonly confirm: boolean;
  /** CKA_ID in hexadecimal. */
  readonly id: string;
  /** DER SubjectPublicKeyInfo (RFC 5280, 4.1.2.7) of a key pair. */
  readonly publicKeyInfo: Uint8Array | undefined;
}

/** What a new key shall be. */
export interface KeyOptions {
  readonly type: string;
  readonly purpose?: Purpose;
  readonly extractable?: boolean;
  readonly confirm?: boolean;
}

type Send = (call: string, body: FrameValue) => Promise<FrameValue>;

/**
 * A connection to the key process. Every part of Strongroom holds keys by this: names and handles
 * go over it, key values never do.
 */
export class KeysClient {
  readonly #send: Send;
  readonly #close: () => void;

  constructor(send: Send, close: () => void) {
    this.#send = send;
    this.#close = close;
  }

  /** Any request of the engine. @throws {KeysError} as the engine threw it */
  async handle<Request extends KeysRequest>(request: Request): Promise<ReplyTo<Request>> {
    // The reply's form follows from the verb; both ends are built from the same types.
    const reply: unknown = await this.#send('handle', request as object as FrameValue);
    return (reply ?? undefined) as Replies[Request['verb']];
  }

  /** A call beside the engine's: status, lock, unlock, … */
  call(name: string, body: FrameValue = null): Promise<FrameValue> {
    return this.#send(name, body);
  }

  async status(): Promise<KeysStatus> {
    return (await this.#send('status', null)) as object as KeysStatus;
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

  /** The key of this name. @throws {KeysError} when there is none, or more than one */
  async key(name: string): Promise<KeyInfo> {
    const template = new Map<number, AttributeValue>([[CKA.LABEL, utf8(name)]]);
    const keys = await this.#describe(await this.handle({ verb: 'find', template }));
    const [only, second] = keys;
    if (only === undefined) {
      throw new KeysError('OBJECT_HANDLE_INVALID', `there is no key named \`${name}\``, {
        mend: 'strongroom key list shows them',
      });
    }
    if (second !== undefined) {
      throw new KeysError('OBJECT_HANDLE_INVALID', `several keys are named \`${name}\``, {
        mend: 'strongroom key rename --id ID NAME gives one of them another name',
      });
    }
    return only;
  }

  /** The key of this name, or `undefined`. */
  async find(name: string): Promise<KeyInfo | undefined> {
    const template = new Map<number, AttributeValue>([[CKA.LABEL, utf8(name)]]);
    return (await this.#describe(await this.handle({ verb: 'find', template })))[0];
  }

  async #describe(objects: readonly ObjectId[]): Promise<KeyInfo[]> {
    const described = await Promise.all(
      objects.map(async (object) => ({
        object,
        attributes: readable(await this.handle({ verb: 'attributes', object, types: [] })),
      })),
    );
    const groups = new Map<string, typeof described>();
    for (const each of described) {
      const key = `${textOf(each.attributes, CKA.LABEL)}\0${hexOf(each.attributes, CKA.ID)}`;
      groups.set(key, [...(groups.get(key) ?? []), each]);
    }
    return [...groups.values()]
      .map((halves) => infoOf(halves))
      .filter((info) => info !== undefined)
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
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
    const common: [number, AttributeValue][] = [
      [CKA.TOKEN, true],
      [CKA.LABEL, utf8(name)],
      [CKA.ID, randomBytes(8)],
      [CKA.STRONGROOM_PURPOSE, utf8(purpose)],
    ];
    const secretSide: [number, AttributeValue][] = [
      [CKA.PRIVATE, true],
      [CKA.EXTRACTABLE, options.extractable === true],
      [CKA.STRONGROOM_CONFIRM, options.confirm === true],
    ];
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
    this.#close();
  }
}

function gcm(iv: Uint8Array, aad: Uint8Array): Mechanism {
  return { type: CKM.AES_GCM, parameter: { kind: 'gcm', iv, aad, tagBits: 128 } };
}

/** @throws {KeysError} when there is no such type */
export function keyTypeNamed(name: string): KeyType {
  const type = KEY_TYPES.find((each) => each.name === name);
  if (type !== undefined) return type;
  throw new KeysError('ARGUMENTS_BAD', `there is no key type \`${name}\``, {
    mend: `one of: ${KEY_TYPES.map((each) => each.name).join(', ')}`,
  });
}

function signatureOf(key: KeyInfo): Mechanism {
  const type = KEY_TYPES.find((each) => each.name === key.type);
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

function halvesOf(key: KeyInfo): ObjectId[] {
  return [key.privateKey, key.publicKey, key.secretKey].filter((object) => object !== undefined);
}

/** The readable attributes of a reading. */
export function readable(readings: readonly AttributeReading[]): Template {
  return new Map(
    readings.flatMap((reading) => ('value' in reading ? [[reading.type, reading.value]] : [])),
  );
}

function textOf(attributes: Template, type: number): string {
  const value = attributes.get(type);
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : '';
}

function hexOf(attributes: Template, type: number): string {
  const value = attributes.get(type);
  return value instanceof Uint8Array ? value.toHex() : '';
}

/** The name that `KEY_TYPES` gives a key with these attributes. */
function typeNameOf(attributes: Template): string {
  const keyType = attributes.get(CKA.KEY_TYPE);
  const modulus = attributes.get(CKA.MODULUS);
  const bits =
    modulus instanceof Uint8Array ? modulus.length * 8 : (attributes.get(CKA.MODULUS_BITS) ?? 0);
  const found = KEY_TYPES.find(
    (type) =>
      type.keyType === keyType &&
      type.parameters.every(([name, wanted]) => {
        if (name === CKA.PUBLIC_EXPONENT) return true;
        if (name === CKA.MODULUS_BITS) return bits === wanted;
        const value = attributes.get(name);
        if (value instanceof Uint8Array && wanted instanceof Uint8Array) {
          return value.toHex() === wanted.toHex();
        }
        return value === wanted;
      }),
  );
  return found?.name ?? `type-0x${Number(keyType).toString(16)}`;
}

function infoOf(
  halves: readonly { readonly object: ObjectId; readonly attributes: Template }[],
): KeyInfo | undefined {
  const of = (objectClass: number): { object: ObjectId; attributes: Template } | undefined =>
    halves.find((each) => each.attributes.get(CKA.CLASS) === objectClass);
  const privateKey = of(CKO.PRIVATE_KEY);
  const publicKey = of(CKO.PUBLIC_KEY);
  const secretKey = of(CKO.SECRET_KEY);
  const main = privateKey ?? secretKey ?? publicKey;
  if (main === undefined) return undefined;
  const { attributes } = main;
  const info = (publicKey ?? main).attributes.get(CKA.PUBLIC_KEY_INFO);
  const purpose = textOf(attributes, CKA.STRONGROOM_PURPOSE);
  return {
    name: textOf(attributes, CKA.LABEL),
    type: typeNameOf(publicKey?.attributes ?? attributes),
    purpose: PURPOSES.find((each) => each === purpose) ?? 'store',
    privateKey: privateKey?.object,
    publicKey: publicKey?.object,
    secretKey: secretKey?.object,
    extractable: attributes.get(CKA.EXTRACTABLE) === true,
    neverExtractable: attributes.get(CKA.NEVER_EXTRACTABLE) === true,
    local: attributes.get(CKA.LOCAL) === true,
    confirm: attributes.get(CKA.STRONGROOM_CONFIRM) === true,
    id: hexOf(attributes, CKA.ID),
    publicKeyInfo: info instanceof Uint8Array && info.length > 0 ? info : undefined,
  };
}

/** Where the key process of a home listens for its own parts. */
export function keysSocket(home: string): string {
  return join(home, 'keys.sock');
}

/**
 * Connects to the key process of a home folder.
 * @throws {KeysError} when none is running there
 */
export async function connectKeys(home: string): Promise<KeysClient> {
  const socket = await open(keysSocket(home));
  const waiting = new Map<
    number,
    { resolve: (value: FrameValue) => void; reject: (error: Error) => void }
  >();
  const splitter = new FrameSplitter();
  let next = 1;
  const fail = (error: Error): void => {
    for (const each of waiting.values()) each.reject(error);
    waiting.clear();
  };
  socket.on('data', (chunk: Uint8Array) => {
    try {
      for (const frame of splitter.push(chunk)) answer(decodeFrame(frame), waiting);
    } catch (error) {
      socket.destroy();
      fail(error instanceof Error ? error : new Error('malformed answer'));
    }
  });
  socket.on('error', (error) => fail(gone(error)));
  socket.on('close', () => fail(gone(undefined)));
  return new KeysClient(
    (call, body) =>
      new Promise((resolve, reject) => {
        const id = next++;
        waiting.set(id, { resolve, reject });
        if (waiting.size === 1) socket.ref();
        socket.write(encodeFrame({ id, call, body }));
      }).then((value) => {
        if (waiting.size === 0) socket.unref();
        return value as FrameValue;
      }),
    () => socket.destroy(),
  );
}

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', (error) => reject(gone(error)));
  });
}

function gone(cause: Error | undefined): StrongroomError {
  return new StrongroomError('KEYS_NOT_RUNNING', 'the strongroom is not running', {
    mend: 'start it with `strongroom up`',
    ...(cause === undefined ? {} : { cause }),
  });
}

const DUTIES: readonly Duty[] = ['usage', 'denied', 'locked', 'peer', 'operator', 'internal'];

function answer(
  value: FrameValue,
  waiting: Map<number, { resolve: (value: FrameValue) => void; reject: (error: Error) => void }>,
): void {
  const { id, ok, error } = recordOf(value, 'answer');
  const asked = typeof id === 'number' ? waiting.get(id) : undefined;
  if (asked === undefined) return;
  waiting.delete(id as number);
  if (error === undefined) {
    asked.resolve(ok);
    return;
  }
  asked.reject(errorOf(recordOf(error, 'error')));
}

function textField(value: FrameValue): string {
  return typeof value === 'string' ? value : 'unknown';
}

function errorOf(fields: Readonly<Record<string, FrameValue>>): StrongroomError {
  const code = textField(fields['code']);
  const message = textField(fields['message']);
  const duty = DUTIES.find((each) => each === fields['duty']);
  const mend = fields['mend'];
  const options = {
    ...(duty === undefined ? {} : { duty }),
    ...(typeof mend === 'string' ? { mend } : {}),
  };
  return isKeysErrorCode(code)
    ? new KeysError(code, message, options)
    : new StrongroomError(code, message, options);
}
