// One key, one purpose: every kind of key, in every purpose that it can be made for, against every
// operation with every mechanism.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { utf8 } from '../../../src/bytes/text.ts';
import type { AttributeValue } from '../../../src/keys/engine/attribute.ts';
import type { Operation } from '../../../src/keys/engine/mechanism/mechanism.ts';
import { mechanisms } from '../../../src/keys/engine/mechanism/table.ts';
import { CKA, CKK, CKM, CKO } from '../../../src/keys/engine/pkcs11.ts';
import { PURPOSES } from '../../../src/keys/engine/purpose.ts';
import type { Purpose } from '../../../src/keys/engine/purpose.ts';
import type { KeysRequest, ObjectId } from '../../../src/keys/engine/request.ts';
import { KeysError } from '../../../src/keys/errors.ts';
import { KEY_TYPES } from '../../../src/keys/key-type.ts';
import type { KeyType } from '../../../src/keys/key-type.ts';
import { derivedSecret, plain, startEngine } from '../../support/engine.ts';

const engine = await startEngine();
const data = new Uint8Array(32);

type UseOf = Exclude<Operation, 'digest' | 'generate' | 'generate-pair'>;

/** A request for each operation, with the key where the operation takes it. */
function request(operation: UseOf, key: ObjectId, type: number): KeysRequest {
  const mechanism = plain(type);
  switch (operation) {
    case 'sign':
    case 'encrypt':
    case 'decrypt':
      return { verb: operation, key, mechanism, data };
    case 'verify':
      return { verb: operation, key, mechanism, data, signature: data };
    case 'wrap':
      return { verb: operation, mechanism, wrappingKey: key, key };
    case 'unwrap':
      return {
        verb: operation,
        mechanism,
        unwrappingKey: key,
        wrapped: data,
        template: derivedSecret(),
      };
    case 'derive':
      return { verb: operation, mechanism, baseKey: key, template: derivedSecret() };
    case 'encapsulate':
      return { verb: operation, mechanism, publicKey: key, template: derivedSecret() };
    case 'decapsulate':
      return {
        verb: operation,
        mechanism,
        privateKey: key,
        ciphertext: data,
        template: derivedSecret(),
      };
  }
}

/** What each half of a key made for a purpose may do. */
const MAY: Readonly<
  Record<Purpose, readonly [readonly UseOf[], readonly UseOf[], readonly UseOf[]]>
> = {
  // private, public, secret
  sign: [['sign'], ['verify'], []],
  mac: [[], [], ['sign', 'verify']],
  encrypt: [['decrypt'], ['encrypt'], ['encrypt', 'decrypt']],
  wrap: [['unwrap'], ['wrap'], ['wrap', 'unwrap']],
  derive: [['derive'], ['derive'], ['derive']],
  kem: [['decapsulate'], ['encapsulate'], []],
  store: [[], [], []],
};

const USES: readonly UseOf[] = [
  'sign',
  'verify',
  'encrypt',
  'decrypt',
  'wrap',
  'unwrap',
  'derive',
  'encapsulate',
  'decapsulate',
];

async function make(
  type: KeyType,
  purpose: Purpose,
): Promise<{ half: 0 | 1 | 2; key: ObjectId }[]> {
  const named: [number, AttributeValue] = [CKA.STRONGROOM_PURPOSE, utf8(purpose)];
  const mechanism = plain(type.generator);
  const { keys, caller } = engine;
  if (!type.pair) {
    const template = new Map([...type.parameters, [CKA.KEY_TYPE, type.keyType] as const, named]);
    return [{ half: 2, key: await keys.handle({ verb: 'generate', mechanism, template }, caller) }];
  }
  const publicTemplate = new Map([...type.parameters, named]);
  const pair = await keys.handle(
    { verb: 'generate-pair', mechanism, publicTemplate, privateTemplate: new Map([named]) },
    caller,
  );
  return [
    { half: 0, key: pair.privateKey },
    { half: 1, key: pair.publicKey },
  ];
}

function refusalOf(asked: KeysRequest): KeysError | undefined {
  try {
    engine.run(asked);
    return undefined;
  } catch (error) {
    if (error instanceof KeysError) return error;
    throw error;
  }
}

describe('one key, one purpose', () => {
  // The larger RSA keys differ in nothing but their size.
  for (const type of KEY_TYPES.filter(({ name }) => !/^rsa-[34]/.test(name))) {
    for (const purpose of type.purposes) {
      test(`${type.name} for ${purpose}`, async () => {
        let permitted = 0;
        for (const { half, key } of await make(type, purpose)) {
          for (const operation of USES) {
            const may = MAY[purpose][half].includes(operation);
            for (const info of mechanisms.values()) {
              if (!info.operations.has(operation)) continue;
              const refused = refusalOf(request(operation, key, info.type));
              const what = `${info.label} to ${operation}`;
              if (!may) {
                assert.equal(refused?.code, 'KEY_FUNCTION_NOT_PERMITTED', what);
                assert.match(refused?.message ?? '', new RegExp(`made for ${purpose} `));
              } else if (!info.keyTypes.includes(type.keyType)) {
                assert.equal(refused?.code, 'KEY_TYPE_INCONSISTENT', what);
              } else {
                permitted++;
                const code = refused?.code ?? '';
                assert.ok(
                  !/NOT_PERMITTED|INCONSISTENT|MECHANISM_INVALID/.test(code),
                  `${what}: ${code}`,
                );
              }
            }
          }
        }
        assert.ok(permitted > 0, 'it serves its own purpose');
        engine.clear();
      });
    }
    test(`${type.name} can be made for nothing else`, async () => {
      for (const purpose of PURPOSES) {
        if (purpose === 'store' || type.purposes.includes(purpose)) continue;
        if (type.keyType === CKK.AES && purpose === 'derive') continue;
        if (type.keyType === CKK.GENERIC_SECRET && purpose === 'mac') continue;
        await assert.rejects(make(type, purpose), { code: 'TEMPLATE_INCONSISTENT' });
      }
    });
  }

  test('the allowed mechanisms are fixed when the key is made', () => {
    const key = engine.create([
      [CKA.CLASS, CKO.SECRET_KEY],
      [CKA.KEY_TYPE, CKK.AES],
      [CKA.VALUE, data],
      [CKA.ENCRYPT, true],
      [CKA.ALLOWED_MECHANISMS, [CKM.AES_GCM, CKM.AES_KEY_WRAP]],
    ]);
    assert.deepEqual(engine.attribute(key, CKA.ALLOWED_MECHANISMS), [CKM.AES_GCM]);
    const iv = new Uint8Array(16);
    const gcm = {
      type: CKM.AES_GCM,
      parameter: { kind: 'gcm', iv, aad: data, tagBits: 128 },
    } as const;
    engine.run({ verb: 'encrypt', key, mechanism: gcm, data });
    const cbc = { type: CKM.AES_CBC, parameter: { kind: 'iv', iv } } as const;
    const refused = refusalOf({ verb: 'encrypt', key, mechanism: cbc, data });
    assert.equal(refused?.code, 'MECHANISM_INVALID');
    const wider = new Map([[CKA.ALLOWED_MECHANISMS, [CKM.AES_GCM, CKM.AES_CBC]]]);
    for (const verb of ['set', 'copy'] as const) {
      const change = refusalOf({ verb, object: key, template: wider });
      assert.equal(change?.code, 'ATTRIBUTE_READ_ONLY', verb);
    }
    const none = [
      [CKA.CLASS, CKO.SECRET_KEY],
      [CKA.KEY_TYPE, CKK.AES],
      [CKA.VALUE, data],
      [CKA.ENCRYPT, true],
      [CKA.ALLOWED_MECHANISMS, [CKM.AES_CMAC]],
    ] as const;
    assert.throws(() => engine.create(none), { code: 'TEMPLATE_INCONSISTENT' });
    engine.clear();
  });

  test('a derived key is as sensitive and as unextractable as its base', async () => {
    const purpose: [number, AttributeValue] = [CKA.STRONGROOM_PURPOSE, utf8('derive')];
    const imported = engine.secret(data, 'derive');
    const generated = await engine.keys.handle(
      {
        verb: 'generate',
        mechanism: plain(CKM.GENERIC_SECRET_KEY_GEN),
        template: new Map([[CKA.VALUE_LEN, 32], purpose]),
      },
      engine.caller,
    );
    const parameter = {
      kind: 'hkdf',
      extract: true,
      expand: true,
      hash: CKM.SHA256,
      salt: data,
      info: data,
    } as const;
    for (const [baseKey, extractable, alwaysSensitive, neverExtractable] of [
      [generated, false, true, true],
      [generated, true, true, false],
      [imported, false, false, false],
    ] as const) {
      const key = engine.run({
        verb: 'derive',
        mechanism: { type: CKM.HKDF_DERIVE, parameter },
        baseKey,
        template: new Map([...derivedSecret(32), [CKA.EXTRACTABLE, extractable]]),
      });
      const read = (type: number): unknown => engine.attribute(key, type);
      assert.equal(read(CKA.SENSITIVE), true);
      assert.equal(read(CKA.LOCAL), false);
      assert.equal(read(CKA.ALWAYS_SENSITIVE), alwaysSensitive);
      assert.equal(read(CKA.NEVER_EXTRACTABLE), neverExtractable);
    }
    engine.clear();
  });
});
