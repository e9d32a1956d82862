// The engine in this process with a store in memory: what a front reaches, without a socket.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { utf8 } from '../../src/bytes/text.ts';
import type { AttributeValue, Template } from '../../src/keys/engine/attribute.ts';
import type { Mechanism } from '../../src/keys/engine/mechanism/mechanism.ts';
import { Objects } from '../../src/keys/engine/objects.ts';
import { CKA, CKK, CKM, CKO } from '../../src/keys/engine/pkcs11.ts';
import type { Purpose } from '../../src/keys/engine/purpose.ts';
import type { Caller, KeysRequest, ObjectId, ReplyTo } from '../../src/keys/engine/request.ts';
import { Keys } from '../../src/keys/engine/service.ts';
import type { ServiceOptions } from '../../src/keys/engine/service.ts';
import { Token, firstTokenState } from '../../src/keys/engine/token.ts';
import * as digests from '../../src/process/openssl.ts';

export const NONE = { kind: 'none' } as const;

/** A mechanism without a parameter. */
export function plain(type: number): Mechanism {
  return { type, parameter: NONE };
}

export interface TestEngine {
  readonly keys: Keys;
  readonly caller: Caller;
  /** A request that is answered at once. @throws {KeysError} */
  run<Request extends KeysRequest>(request: Request): ReplyTo<Request>;
  /** Imports a session object. */
  create(attributes: readonly (readonly [number, AttributeValue])[]): ObjectId;
  /** Imports a secret key. */
  secret(value: Uint8Array, purpose: Purpose, keyType?: number): ObjectId;
  /** One attribute of an object. */
  attribute(object: ObjectId, type: number): AttributeValue | undefined;
  /** HMAC-SHA256 over fixed bytes under a key: two keys of the same value give the same. */
  fingerprint(key: ObjectId): Uint8Array;
  /** Destroys every object. */
  clear(): void;
}

export async function startEngine(options: Partial<ServiceOptions> = {}): Promise<TestEngine> {
  const objects = new Objects({ commit: () => undefined }, []);
  const pins = { user: utf8('123456'), securityOfficer: utf8('654321') };
  const token = new Token(await firstTokenState('Test', '0123456789abcdef', pins), {
    persist: () => undefined,
    destroyAll: () => objects.remove(objects.all(() => true)),
    count: () => objects.count(),
    wait: () => Promise.resolve(),
  });
  const keys = new Keys({
    objects,
    token,
    permit: () => ({ allowed: true }),
    confirm: () => Promise.resolve(false),
    record: () => undefined,
    random: (length) => randomBytes(length),
    digests,
    ...options,
  });
  const caller: Caller = { front: 'client', uid: 0, pid: 0, role: 'user', scope: 'test' };
  const run = <Request extends KeysRequest>(request: Request): ReplyTo<Request> => {
    const reply = keys.handle(request, caller);
    assert.ok(!(reply instanceof Promise), `${request.verb} is answered at once`);
    return reply;
  };
  const create: TestEngine['create'] = (attributes) =>
    run({ verb: 'create', template: new Map(attributes) });
  return {
    keys,
    caller,
    run,
    create,
    secret: (value, purpose, keyType = CKK.GENERIC_SECRET) =>
      create([
        [CKA.CLASS, CKO.SECRET_KEY],
        [CKA.KEY_TYPE, keyType],
        [CKA.VALUE, value],
        [CKA.STRONGROOM_PURPOSE, utf8(purpose)],
        [CKA.EXTRACTABLE, true],
      ]),
    attribute(object, type) {
      const [reading] = run({ verb: 'attributes', object, types: [type] });
      return reading !== undefined && 'value' in reading ? reading.value : undefined;
    },
    fingerprint: (key) =>
      run({ verb: 'sign', key, mechanism: plain(CKM.SHA256_HMAC), data: FINGERPRINT_OF }),
    clear: () => objects.remove(objects.all(() => true)),
  };
}

/** What `fingerprint` is computed over. */
export const FINGERPRINT_OF: Uint8Array = utf8('the same key');

/** A template for a secret that comes out of another key and can be fingerprinted. */
export function derivedSecret(length?: number): Template {
  return new Map<number, AttributeValue>([
    [CKA.CLASS, CKO.SECRET_KEY],
    [CKA.KEY_TYPE, CKK.GENERIC_SECRET],
    [CKA.STRONGROOM_PURPOSE, utf8('mac')],
    ...(length === undefined ? [] : [[CKA.VALUE_LEN, length] as const]),
  ]);
}
