import { KeysError } from '../errors.ts';
import { StrongroomError } from '../../errors.ts';
import type { AttributeReading, Template } from './attribute.ts';
import { makeSecret, makePair, makeImported } from './make.ts';
import type { Source } from './make.ts';
import * as perform from './mechanism/perform.ts';
import type { Mechanism, Operation } from './mechanism/mechanism.ts';
import { outputBound, signatureLength } from './mechanism/output.ts';
import type { DigestSigner } from './mechanism/raw.ts';
import { start } from './mechanism/running.ts';
import type { Running } from './mechanism/running.ts';
import { isLong, signElsewhere } from './mechanism/signature.ts';
import { mechanisms } from './mechanism/table.ts';
import { encodePrivate } from './mechanism/key-material.ts';
import type { Objects } from './objects.ts';
import { bytesOf, isTrue, numberOf, withAttributes } from './object.ts';
import type { TokenObject } from './object.ts';
import type { Confirm, KeysEvent, Permit } from './permit.ts';
import { CKA } from './pkcs11.ts';
import type {
  ActiveOperation,
  AttributesRequest,
  BeginRequest,
  Caller,
  CopyRequest,
  CreateRequest,
  DecapsulateRequest,
  DeriveRequest,
  EncapsulateRequest,
  GeneratePairRequest,
  GenerateRequest,
  KeysRequest,
  KeysService,
  ObjectId,
  RandomRequest,
  Replies,
  ReplyTo,
  SetRequest,
  TokenService,
  UnwrapRequest,
  WrapRequest,
} from './request.ts';
import { checkChange, checkTemplate, isSecret } from './template.ts';
import { usageFor } from './usage.ts';

/** What the engine is given: it opens no file, asks no clock and knows no socket. */
export interface ServiceOptions {
  readonly objects: Objects;
  readonly token: TokenService;
  readonly permit: Permit;
  readonly confirm: Confirm;
  readonly record: (event: KeysEvent) => void;
  /** Cryptographic random bytes that passed their health tests. */
  readonly random: (length: number) => Uint8Array;
  /** Signatures over digests that came from outside. */
  readonly digests: DigestSigner;
}

const MAX_RANDOM = 1 << 20;
const NOTHING = new Uint8Array();

/**
 * The engine behind every front. Each request takes the same five steps, in this order and in this
 * file: find, state, authorise, perform, record.
 */
export class Keys implements KeysService {
  readonly token: TokenService;
  /** One life of the keys has one epoch; who locks and unlocks counts them. */
  readonly epoch = 0;
  readonly #options: ServiceOptions;
  readonly #objects: Objects;
  #state: 'operational' | 'locked' | 'failed' = 'operational';

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#objects = options.objects;
    this.token = options.token;
  }

  get state(): 'operational' | 'locked' | 'failed' {
    return this.#state;
  }

  /** No request is served any more; `failed` when a self-test said so. */
  stop(state: 'locked' | 'failed'): void {
    this.#state = state;
  }

  handle<Request extends KeysRequest>(
    request: Request,
    caller: Caller,
  ): ReplyTo<Request> | Promise<ReplyTo<Request>> {
    const target = targetOf(request);
    let reply: Replies[KeysRequest['verb']] | Promise<Replies[KeysRequest['verb']]>;
    try {
      this.#checkState();
      reply = this.#serve(request, caller);
    } catch (error) {
      throw this.#refused(request.verb, target, caller, error);
    }
    if (reply instanceof Promise) {
      return reply.then(
        (value) => {
          this.#record(request.verb, target, caller, undefined);
          return value as ReplyTo<Request>;
        },
        (error: unknown) => {
          throw this.#refused(request.verb, target, caller, error);
        },
      );
    }
    this.#record(request.verb, target, caller, undefined);
    return reply as ReplyTo<Request>;
  }

  /** The first steps of an operation now, the last ones when its data are there. */
  begin(request: BeginRequest, caller: Caller): ActiveOperation {
    const { verb, mechanism } = request;
    let key: TokenObject;
    try {
      this.#checkState();
      key = this.#keyFor(verb, request.key, mechanism, caller);
      perform.check(verb, mechanism, secretOf(key));
    } catch (error) {
      throw this.#refused(verb, request.key, caller, error);
    }
    const step = <Result>(work: () => Result): Result => {
      try {
        this.#checkState();
        this.#checkSame(key, caller);
        return work();
      } catch (error) {
        throw this.#refused(verb, key.id, caller, error);
      }
    };
    const work = (data: Uint8Array, signature: Uint8Array | undefined): Uint8Array =>
      step(() => {
        const result = this.#perform(verb, mechanism, key, data, signature);
        this.#record(verb, key.id, caller, undefined);
        return result;
      });
    const confirms = isTrue(key.attributes, CKA.STRONGROOM_CONFIRM);
    const long = verb === 'sign' && !confirms && isLong(mechanism.type);
    return {
      elsewhere: long
        ? (data) =>
            step(() => signElsewhere(mechanism, secretOf(key), data)).then(
              (signature) =>
                step(() => {
                  this.#record(verb, key.id, caller, undefined);
                  return signature;
                }),
              (error: unknown) => {
                throw this.#refused(verb, key.id, caller, error);
              },
            )
        : undefined,
      whole: (data, signature) => {
        if (!confirms) return work(data, signature);
        // The caller's memory may be used again before the person has answered.
        const kept = new Uint8Array(data);
        const keptSignature = signature === undefined ? undefined : new Uint8Array(signature);
        return this.#confirmed(key, verb, caller).then(
          () => work(kept, keptSignature),
          (error: unknown) => {
            throw this.#refused(verb, key.id, caller, error);
          },
        );
      },
      inParts: () => {
        if (confirms) return undefined;
        const running = step(() => this.#start(verb, mechanism, key));
        if (running === undefined) return undefined;
        return {
          updateLength: (length) => running.updateLength(length),
          update: (part) => step(() => running.update(part)),
          finishBound: () => running.finishBound(),
          finish: (signature) =>
            step(() => {
              if (verb === 'verify') checkLength(mechanism, key, signature ?? NOTHING);
              const result = running.finish(signature ?? NOTHING);
              this.#record(verb, key.id, caller, undefined);
              return result;
            }),
        };
      },
      ...outputBound(verb, mechanism, key),
    };
  }

  #start(verb: BeginRequest['verb'], mechanism: Mechanism, key: TokenObject): Running | undefined {
    const length = verb === 'sign' ? signatureLength(mechanism, key) : 0;
    return start(verb, mechanism, secretOf(key), length);
  }

  #perform(
    verb: BeginRequest['verb'],
    mechanism: Mechanism,
    key: TokenObject,
    data: Uint8Array,
    signature: Uint8Array | undefined,
  ): Uint8Array {
    const secret = secretOf(key);
    switch (verb) {
      case 'sign':
        return perform.sign(mechanism, secret, data, this.#options.digests);
      case 'encrypt':
        return perform.encrypt(mechanism, secret, data);
      case 'decrypt':
        return perform.decrypt(mechanism, secret, data);
      case 'verify':
        this.#verify(mechanism, key, data, signature ?? NOTHING);
        return NOTHING;
    }
  }

  #verify(mechanism: Mechanism, key: TokenObject, data: Uint8Array, signature: Uint8Array): void {
    checkLength(mechanism, key, signature);
    if (perform.verify(mechanism, secretOf(key), data, signature, this.#options.digests)) return;
    throw new KeysError('SIGNATURE_INVALID', 'the signature is wrong');
  }

  endScope(scope: string): void {
    const ended = this.#objects.all((object) => object.scope === scope);
    this.#objects.remove(ended);
  }

  #checkState(): void {
    if (this.#state === 'operational') return;
    if (this.#state === 'locked') {
      throw new KeysError('TOKEN_NOT_PRESENT', 'the strongroom is locked', {
        duty: 'locked',
        mend: 'strongroom unlock',
      });
    }
    throw new KeysError('DEVICE_ERROR', 'a self-test failed: no key is used', {
      duty: 'internal',
      mend: 'strongroom status tells which test; restart it after mending the cause',
    });
  }

  #serve(
    request: KeysRequest,
    caller: Caller,
  ): Replies[KeysRequest['verb']] | Promise<Replies[KeysRequest['verb']]> {
    switch (request.verb) {
      case 'find':
        return this.#objects.find(request.template, caller);
      case 'attributes':
        return this.#attributes(request, caller);
      case 'create':
        return this.#create(request, caller);
      case 'copy':
        return this.#copy(request, caller);
      case 'set':
        return this.#set(request, caller);
      case 'destroy':
        return this.#destroy(request.object, caller);
      case 'generate':
        return this.#generate(request, caller);
      case 'generate-pair':
        return this.#generatePair(request, caller);
      case 'sign':
        return this.#use('sign', request.key, request.mechanism, caller, (key) =>
          perform.sign(request.mechanism, secretOf(key), request.data, this.#options.digests),
        );
      case 'encrypt':
        return this.#use('encrypt', request.key, request.mechanism, caller, (key) =>
          perform.encrypt(request.mechanism, secretOf(key), request.data),
        );
      case 'decrypt':
        return this.#use('decrypt', request.key, request.mechanism, caller, (key) =>
          perform.decrypt(request.mechanism, secretOf(key), request.data),
        );
      case 'verify':
        return this.#use('verify', request.key, request.mechanism, caller, (key) => {
          this.#verify(request.mechanism, key, request.data, request.signature);
          return undefined;
        });
      case 'wrap':
        return this.#wrap(request, caller);
      case 'unwrap':
        return this.#unwrap(request, caller);
      case 'derive':
        return this.#derive(request, caller);
      case 'encapsulate':
        return this.#encapsulate(request, caller);
      case 'decapsulate':
        return this.#decapsulate(request, caller);
      case 'random':
        return this.#random(request);
    }
  }

  // ── Objects ────────────────────────────────────────────────────────────────────────────────────

  #attributes(request: AttributesRequest, caller: Caller): AttributeReading[] {
    const object = this.#objects.get(request.object, caller);
    const types =
      request.types.length > 0
        ? request.types
        : [...object.attributes.keys()].sort((a, b) => a - b);
    return types.map((type) => {
      if (isSecret(object.attributes, type)) return { type, missing: 'sensitive' };
      const value = object.attributes.get(type);
      return value === undefined ? { type, missing: 'invalid' } : { type, value };
    });
  }

  #create(request: CreateRequest, caller: Caller): ObjectId {
    checkTemplate(request.template);
    const object = makeImported(request.template);
    this.#authoriseNew([object], 'create', caller);
    return this.#put([object], caller)[0] as ObjectId;
  }

  #copy(request: CopyRequest, caller: Caller): ObjectId {
    const object = this.#objects.get(request.object, caller);
    if (!isTrue(object.attributes, CKA.COPYABLE)) {
      throw new KeysError('ACTION_PROHIBITED', 'this object may not be copied');
    }
    checkChange(object.attributes, request.template, true);
    const copy = { ...object, attributes: withAttributes(object.attributes, request.template) };
    this.#authoriseNew([copy], 'copy', caller);
    return this.#put([copy], caller)[0] as ObjectId;
  }

  #set(request: SetRequest, caller: Caller): undefined {
    const object = this.#objects.get(request.object, caller);
    if (!isTrue(object.attributes, CKA.MODIFIABLE)) {
      throw new KeysError('ACTION_PROHIBITED', 'this object may not be changed');
    }
    this.#checkWriter(object, caller);
    checkChange(object.attributes, request.template, false);
    const changed = { ...object, attributes: withAttributes(object.attributes, request.template) };
    this.#objects.put([changed], [object.id]);
    return undefined;
  }

  #destroy(id: ObjectId, caller: Caller): undefined {
    const object = this.#objects.get(id, caller);
    if (!isTrue(object.attributes, CKA.DESTROYABLE)) {
      throw new KeysError('ACTION_PROHIBITED', 'this object may not be destroyed');
    }
    this.#checkWriter(object, caller);
    this.#objects.remove([id]);
    return undefined;
  }

  /** Stored keys are changed by the user only; a public session may tend public objects that are none. */
  #checkWriter(object: TokenObject, caller: Caller): void {
    if (object.key !== undefined && object.scope === undefined && caller.role !== 'user') {
      throw new KeysError('USER_NOT_LOGGED_IN', 'only the user changes stored keys');
    }
  }

  // ── Making keys ────────────────────────────────────────────────────────────────────────────────

  async #generate(request: GenerateRequest, caller: Caller): Promise<ObjectId> {
    checkTemplate(request.template);
    this.#authoriseTemplate(request.template, true, 'generate', caller);
    const object = await makeSecret(request.mechanism, request.template);
    this.#checkState();
    return this.#put([object], caller)[0] as ObjectId;
  }

  async #generatePair(
    request: GeneratePairRequest,
    caller: Caller,
  ): Promise<{ publicKey: ObjectId; privateKey: ObjectId }> {
    checkTemplate(request.publicTemplate);
    checkTemplate(request.privateTemplate);
    this.#authoriseTemplate(request.privateTemplate, true, 'generate', caller);
    this.#authoriseTemplate(request.publicTemplate, false, 'generate', caller);
    const pair = await makePair(request.mechanism, request.publicTemplate, request.privateTemplate);
    this.#checkState();
    const [publicKey, privateKey] = this.#put([pair.publicKey, pair.privateKey], caller);
    return { publicKey: publicKey as ObjectId, privateKey: privateKey as ObjectId };
  }

  #put(objects: readonly Omit<TokenObject, 'id' | 'scope'>[], caller: Caller): ObjectId[] {
    return this.#objects.put(
      objects.map((object) => ({
        ...object,
        scope: isTrue(object.attributes, CKA.TOKEN) ? undefined : caller.scope,
      })),
    );
  }

  /** Before a key is generated: nothing is spent on what would be refused. */
  #authoriseTemplate(
    template: Template,
    privateByDefault: boolean,
    operation: string,
    caller: Caller,
  ): void {
    this.#permitCreation(
      nameOf(template),
      textOf(bytesOf(template, CKA.STRONGROOM_PURPOSE)),
      operation,
      caller,
    );
    const stored = isTrue(template, CKA.TOKEN);
    const hidden = template.get(CKA.PRIVATE) ?? privateByDefault;
    if (caller.role !== 'user' && (stored || hidden === true)) {
      throw new KeysError('USER_NOT_LOGGED_IN', 'only the user makes stored or private keys');
    }
  }

  #authoriseNew(
    objects: readonly Omit<TokenObject, 'id' | 'scope'>[],
    operation: string,
    caller: Caller,
  ): void {
    for (const { attributes, purpose, key } of objects) {
      const stored = isTrue(attributes, CKA.TOKEN) && key !== undefined;
      if (caller.role !== 'user' && (stored || isTrue(attributes, CKA.PRIVATE))) {
        throw new KeysError('USER_NOT_LOGGED_IN', 'only the user makes stored or private objects');
      }
      if (key !== undefined) this.#permitCreation(nameOf(attributes), purpose, operation, caller);
    }
  }

  #permitCreation(name: string, purpose: string, operation: string, caller: Caller): void {
    this.#ask('key:create', { id: '', name, purpose, version: 0 }, operation, caller);
  }

  // ── Using keys ─────────────────────────────────────────────────────────────────────────────────

  /** Find, state and authorise for one use of one key. */
  #keyFor(
    operation: Operation,
    id: ObjectId,
    mechanism: Mechanism,
    caller: Caller,
    action: 'key:use' | 'key:export' = 'key:use',
  ): TokenObject {
    const key = this.#find(id, caller);
    const usage = usageFor(operation);
    if (usage === undefined || !isTrue(key.attributes, usage)) {
      throw new KeysError(
        'KEY_FUNCTION_NOT_PERMITTED',
        `this key was made for ${key.purpose} and refuses ${operation}`,
        { mend: `make another key with the purpose that ${operation} needs: one key, one purpose` },
      );
    }
    const info = mechanisms.get(mechanism.type);
    if (info === undefined || !info.operations.has(operation)) {
      throw new KeysError('MECHANISM_INVALID', `no such mechanism for ${operation}`);
    }
    if (!info.keyTypes.includes(numberOf(key.attributes, CKA.KEY_TYPE) ?? -1)) {
      throw new KeysError('KEY_TYPE_INCONSISTENT', `${info.label} does not take this type of key`);
    }
    const allowed = key.attributes.get(CKA.ALLOWED_MECHANISMS);
    if (!Array.isArray(allowed) || !allowed.includes(mechanism.type)) {
      throw new KeysError('MECHANISM_INVALID', `this key does not allow ${info.label}`);
    }
    this.#ask(action, this.#described(key), operation, caller);
    return key;
  }

  #find(id: ObjectId, caller: Caller): TokenObject {
    try {
      return this.#objects.get(id, caller);
    } catch (error) {
      if (!(error instanceof KeysError)) throw error;
      throw new KeysError('KEY_HANDLE_INVALID', 'there is no such key');
    }
  }

  #described(key: TokenObject): { id: string; name: string; purpose: string; version: number } {
    return {
      id: key.id,
      name: nameOf(key.attributes),
      purpose: key.purpose,
      version: this.#objects.version(key.id),
    };
  }

  #ask(
    action: 'key:create' | 'key:use' | 'key:export',
    key: { id: string; name: string; purpose: string; version: number },
    operation: string,
    caller: Caller,
  ): void {
    const answer = this.#options.permit({ action, caller, key, operation });
    if (!answer.allowed) {
      throw new KeysError('ACTION_PROHIBITED', `denied: ${answer.reason}`, {
        duty: 'denied',
        mend: 'strongroom decide why tells which decision or policy says so',
      });
    }
  }

  async #confirmed(key: TokenObject, operation: string, caller: Caller): Promise<void> {
    const name = nameOf(key.attributes);
    if (await this.#options.confirm({ name, operation, caller })) {
      this.#checkState();
      return;
    }
    throw new KeysError('FUNCTION_REJECTED', 'the use of this key was not confirmed', {
      duty: 'denied',
      mend: 'answer the question on the terminal of `strongroom up`, or run `strongroom confirm`',
    });
  }

  /** Runs `work` with a key once it is permitted, and confirmed where the key asks for that. */
  #use<Result>(
    operation: Operation,
    id: ObjectId,
    mechanism: Mechanism,
    caller: Caller,
    work: (key: TokenObject) => Result,
  ): Result | Promise<Result> {
    const key = this.#keyFor(operation, id, mechanism, caller);
    if (!isTrue(key.attributes, CKA.STRONGROOM_CONFIRM)) return work(key);
    return this.#confirmed(key, operation, caller).then(() => work(key));
  }

  /** Whatever happens between the steps of an operation: its key must still be the same. */
  #checkSame(key: TokenObject, caller: Caller): void {
    if (this.#find(key.id, caller) === key) return;
    throw new KeysError('KEY_HANDLE_INVALID', 'the key was changed or destroyed meanwhile');
  }

  #wrap(request: WrapRequest, caller: Caller): Uint8Array | Promise<Uint8Array> {
    const { mechanism, wrappingKey } = request;
    return this.#use('wrap', wrappingKey, mechanism, caller, (wrapping) => {
      const target = this.#find(request.key, caller);
      if (target.key === undefined || target.key.type === 'public') {
        throw new KeysError('KEY_NOT_WRAPPABLE', 'only private and secret keys are wrapped');
      }
      if (!isTrue(target.attributes, CKA.EXTRACTABLE)) {
        throw new KeysError('KEY_UNEXTRACTABLE', 'this key was made never to leave', {
          mend: 'only a key created with --extractable can be wrapped',
        });
      }
      if (
        isTrue(target.attributes, CKA.WRAP_WITH_TRUSTED) &&
        !isTrue(wrapping.attributes, CKA.TRUSTED)
      ) {
        throw new KeysError('KEY_NOT_WRAPPABLE', 'this key is wrapped under trusted keys only');
      }
      this.#ask('key:export', this.#described(target), 'wrap', caller);
      const clear = target.key.type === 'secret' ? target.key.export() : encodePrivate(target.key);
      try {
        return perform.wrap(mechanism, secretOf(wrapping), clear);
      } finally {
        clear.fill(0);
      }
    });
  }

  #unwrap(request: UnwrapRequest, caller: Caller): ObjectId | Promise<ObjectId> {
    checkTemplate(request.template);
    const { mechanism, unwrappingKey } = request;
    return this.#use('unwrap', unwrappingKey, mechanism, caller, (unwrapping) => {
      const clear = perform.unwrap(mechanism, secretOf(unwrapping), request.wrapped);
      try {
        return this.#putSecret(request.template, { value: clear, by: 'unwrap' }, caller);
      } finally {
        clear.fill(0);
      }
    });
  }

  #derive(request: DeriveRequest, caller: Caller): ObjectId | Promise<ObjectId> {
    checkTemplate(request.template);
    const { mechanism, baseKey } = request;
    return this.#use('derive', baseKey, mechanism, caller, (base) => {
      const length = numberOf(request.template, CKA.VALUE_LEN);
      const value = perform.derive(mechanism, secretOf(base), length);
      try {
        const source: Source = { value, by: 'derive', base: base.attributes };
        return this.#putSecret(request.template, source, caller);
      } finally {
        value.fill(0);
      }
    });
  }

  #encapsulate(
    request: EncapsulateRequest,
    caller: Caller,
  ): Replies['encapsulate'] | Promise<Replies['encapsulate']> {
    checkTemplate(request.template);
    const { mechanism, publicKey } = request;
    return this.#use('encapsulate', publicKey, mechanism, caller, (key) => {
      const { ciphertext, secret } = perform.encapsulate(mechanism, secretOf(key));
      try {
        const source: Source = { value: secret, by: 'encapsulate' };
        return { ciphertext, secret: this.#putSecret(request.template, source, caller) };
      } finally {
        secret.fill(0);
      }
    });
  }

  #decapsulate(request: DecapsulateRequest, caller: Caller): ObjectId | Promise<ObjectId> {
    checkTemplate(request.template);
    const { mechanism, privateKey } = request;
    return this.#use('decapsulate', privateKey, mechanism, caller, (key) => {
      const secret = perform.decapsulate(mechanism, secretOf(key), request.ciphertext);
      try {
        const source: Source = { value: secret, by: 'decapsulate', base: key.attributes };
        return this.#putSecret(request.template, source, caller);
      } finally {
        secret.fill(0);
      }
    });
  }

  /** A new object around a value that came out of another key. */
  #putSecret(template: Template, source: Source, caller: Caller): ObjectId {
    const object = makeImported(template, source);
    this.#authoriseNew([object], source.by, caller);
    return this.#put([object], caller)[0] as ObjectId;
  }

  #random(request: RandomRequest): Uint8Array {
    if (
      !Number.isSafeInteger(request.length) ||
      request.length < 1 ||
      request.length > MAX_RANDOM
    ) {
      throw new KeysError('ARGUMENTS_BAD', `random takes 1 to ${MAX_RANDOM} bytes`);
    }
    return this.#options.random(request.length);
  }

  // ── Record ─────────────────────────────────────────────────────────────────────────────────────

  #record(verb: string, object: string, caller: Caller, refused: string | undefined): void {
    this.#options.record({ verb, object, caller, refused });
  }

  #refused(verb: string, object: string, caller: Caller, error: unknown): unknown {
    this.#record(verb, object, caller, codeOf(error));
    return error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof StrongroomError ? error.code : 'GENERAL_ERROR';
}

/** The object that a request is about, for the record. */
function targetOf(request: KeysRequest): string {
  if ('object' in request) return request.object;
  if ('key' in request) return request.key;
  if ('baseKey' in request) return request.baseKey;
  if ('unwrappingKey' in request) return request.unwrappingKey;
  if ('publicKey' in request) return request.publicKey;
  return 'privateKey' in request ? request.privateKey : '';
}

/** @throws {KeysError} SIGNATURE_LEN_RANGE: its length alone tells that it is wrong */
function checkLength(mechanism: Mechanism, key: TokenObject, signature: Uint8Array): void {
  if (signature.length === signatureLength(mechanism, key)) return;
  throw new KeysError('SIGNATURE_LEN_RANGE', 'the signature has a wrong length');
}

function secretOf(object: TokenObject): NonNullable<TokenObject['key']> {
  if (object.key === undefined) {
    throw new KeysError('KEY_HANDLE_INVALID', 'this object is no key');
  }
  return object.key;
}

function textOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes).toString('utf8');
}

function nameOf(attributes: Template): string {
  return textOf(bytesOf(attributes, CKA.LABEL));
}
