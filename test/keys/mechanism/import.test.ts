// What is taken in as a key, and what is not: components, PKCS#8, and public keys.
import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { utf8 } from '../../../src/bytes/text.ts';
import type { AttributeValue, Template } from '../../../src/keys/engine/attribute.ts';
import { curveOf } from '../../../src/keys/engine/mechanism/curve.ts';
import { encodeDer, integer, octets, sequence } from '../../../src/keys/engine/mechanism/der.ts';
import { CKA, CKK, CKM, CKO, CKP } from '../../../src/keys/engine/pkcs11.ts';
import { RSA_KEY } from '../../../src/keys/engine/self-test/rsa-key.ts';
import { plain, startEngine } from '../../support/engine.ts';

const engine = await startEngine();
const hex = (digits: string): Uint8Array => Uint8Array.fromHex(digits);

function privateKey(
  keyType: number,
  ...attributes: readonly (readonly [number, AttributeValue])[]
) {
  return engine.create([[CKA.CLASS, CKO.PRIVATE_KEY], [CKA.KEY_TYPE, keyType], ...attributes]);
}

function publicKey(keyType: number, ...attributes: readonly (readonly [number, AttributeValue])[]) {
  return engine.create([[CKA.CLASS, CKO.PUBLIC_KEY], [CKA.KEY_TYPE, keyType], ...attributes]);
}

const invalid = { code: 'ATTRIBUTE_VALUE_INVALID' };
const P256 = hex('06082a8648ce3d030107');

describe('keys on curves', () => {
  for (const [name, oid] of [
    ['prime256v1', '06082a8648ce3d030107'],
    ['secp384r1', '06052b81040022'],
    ['secp521r1', '06052b81040023'],
    ['secp256k1', '06052b8104000a'],
  ] as const) {
    test(`${name}: from one to the order less one`, () => {
      const curve = curveOf(hex(oid));
      const order = curve.order as Uint8Array;
      const take = (value: Uint8Array): string =>
        privateKey(CKK.EC, [CKA.EC_PARAMS, curve.parameters], [CKA.VALUE, value]);
      const below = order.slice();
      below[below.length - 1] = (below.at(-1) ?? 0) - 1;
      take(below);
      take(Uint8Array.of(1));
      // Java and others put a zero in front.
      take(Uint8Array.of(0, ...below));
      assert.throws(() => take(order), invalid);
      assert.throws(() => take(new Uint8Array(curve.size)), invalid);
      assert.throws(() => take(new Uint8Array(curve.size).fill(0xff)), invalid);
      assert.throws(() => take(Uint8Array.of(1, ...below)), invalid);
      engine.clear();
    });

    test(`${name}: the public half is computed, whatever way the private one came`, () => {
      const pair = generateKeyPairSync('ec', { namedCurve: name });
      const spki = new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' }));
      const value = new Uint8Array(pair.privateKey.export({ format: 'raw-private' }));
      const pkcs8 = new Uint8Array(pair.privateKey.export({ format: 'der', type: 'pkcs8' }));
      const byValue = privateKey(CKK.EC, [CKA.EC_PARAMS, hex(oid)], [CKA.VALUE, value]);
      const byDer = privateKey(CKK.EC, [CKA.VALUE, pkcs8]);
      const other = publicKey(CKK.EC, [CKA.PUBLIC_KEY_INFO, spki]);
      for (const key of [byValue, byDer, other]) {
        assert.deepEqual(engine.attribute(key, CKA.PUBLIC_KEY_INFO), spki);
        assert.deepEqual(
          engine.attribute(key, CKA.EC_POINT),
          engine.attribute(other, CKA.EC_POINT),
        );
      }
      engine.clear();
    });
  }

  test('PKCS#8 whose public half is of another key is refused', () => {
    const [one, two] = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }));
    const der = one?.privateKey.export({ format: 'der', type: 'pkcs8' }) ?? Buffer.alloc(0);
    const [right, wrong] = [one, two].map((each) =>
      each?.publicKey.export({ format: 'raw-public' }),
    );
    const at = der.indexOf(right ?? '');
    assert.ok(at > 0, 'the public half stands in it');
    wrong?.copy(der, at);
    assert.throws(() => privateKey(CKK.EC, [CKA.VALUE, new Uint8Array(der)]), invalid);
    // The same with a value of zero, which OpenSSL takes.
    const zero = createPrivateKey({
      key: Buffer.alloc(32),
      format: 'raw-private',
      asymmetricKeyType: 'ec',
      namedCurve: 'prime256v1',
    }).export({ format: 'der', type: 'pkcs8' });
    assert.throws(() => privateKey(CKK.EC, [CKA.VALUE, new Uint8Array(zero)]), invalid);
  });

  test('other curves, explicit parameters and points off the curve are refused', () => {
    const brainpool = generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' });
    const explicit = generateKeyPairSync('ec', {
      namedCurve: 'prime256v1',
      paramEncoding: 'explicit',
    });
    for (const { publicKey: shown } of [brainpool, explicit]) {
      const spki = new Uint8Array(shown.export({ format: 'der', type: 'spki' }));
      assert.throws(() => publicKey(CKK.EC, [CKA.PUBLIC_KEY_INFO, spki]), invalid);
    }
    const secret = brainpool.privateKey.export({ format: 'der', type: 'pkcs8' });
    assert.throws(() => privateKey(CKK.EC, [CKA.VALUE, new Uint8Array(secret)]), invalid);
    const point = explicit.publicKey.export({ format: 'raw-public' });
    const shown = (value: Uint8Array): string =>
      publicKey(CKK.EC, [CKA.EC_PARAMS, P256], [CKA.EC_POINT, value]);
    shown(new Uint8Array(point));
    shown(Uint8Array.of(4, 65, ...point));
    const off = new Uint8Array(point);
    off[64] = (off[64] ?? 0) ^ 1;
    for (const wrong of [
      off,
      new Uint8Array(point.subarray(1)),
      Uint8Array.of(4, 0x81, 65, ...point),
      Uint8Array.of(2 + ((point[64] ?? 0) & 1), ...point.subarray(1, 33)),
      Uint8Array.of(0),
    ]) {
      assert.throws(() => shown(wrong), invalid);
    }
    assert.throws(() => shown(new Uint8Array()), { code: 'TEMPLATE_INCOMPLETE' });
    engine.clear();
  });
});

describe('RSA keys', () => {
  const component = (name: keyof typeof RSA_KEY): Uint8Array => hex(RSA_KEY[name]);
  const components = (changed: Partial<Record<keyof typeof RSA_KEY, Uint8Array>> = {}) =>
    (
      [
        [CKA.MODULUS, 'modulus'],
        [CKA.PUBLIC_EXPONENT, 'publicExponent'],
        [CKA.PRIVATE_EXPONENT, 'privateExponent'],
        [CKA.PRIME_1, 'prime1'],
        [CKA.PRIME_2, 'prime2'],
        [CKA.EXPONENT_1, 'exponent1'],
        [CKA.EXPONENT_2, 'exponent2'],
        [CKA.COEFFICIENT, 'coefficient'],
      ] as const
    ).map(([type, name]) => [type, changed[name] ?? component(name)] as const);

  test('components that fit each other', () => {
    const key = privateKey(CKK.RSA, ...components());
    const modulus = engine.attribute(key, CKA.MODULUS);
    assert.equal((modulus as Uint8Array).toHex(), RSA_KEY.modulus.replace(/^00/, ''));
    for (const type of [CKA.PRIVATE_EXPONENT, CKA.PRIME_1, CKA.COEFFICIENT]) {
      const [reading] = engine.run({ verb: 'attributes', object: key, types: [type] });
      assert.deepEqual(reading, { type, missing: 'sensitive' });
    }
    engine.clear();
  });

  test('components that do not are refused', () => {
    const changed = (name: keyof typeof RSA_KEY): Uint8Array => {
      const value = component(name);
      value[value.length - 1] = (value.at(-1) ?? 0) ^ 2;
      return value;
    };
    for (const name of ['modulus', 'publicExponent'] as const) {
      assert.throws(() => privateKey(CKK.RSA, ...components({ [name]: changed(name) })), invalid);
    }
    const [first, ...others] = components();
    assert.throws(() => privateKey(CKK.RSA, ...others), { code: 'TEMPLATE_INCOMPLETE' });
    assert.equal(first?.[0], CKA.MODULUS);
  });

  test('sizes and exponents', () => {
    const shown = (modulus: Uint8Array, exponent: Uint8Array): string =>
      publicKey(CKK.RSA, [CKA.MODULUS, modulus], [CKA.PUBLIC_EXPONENT, exponent]);
    const e = hex('010001');
    shown(component('modulus'), e);
    shown(component('modulus'), Uint8Array.of(3));
    assert.throws(() => shown(component('modulus'), Uint8Array.of(1)), invalid);
    assert.throws(() => shown(component('modulus'), Uint8Array.of(4)), invalid);
    const range = { code: 'KEY_SIZE_RANGE' };
    assert.throws(() => shown(component('modulus').subarray(2), e), range);
    assert.throws(() => shown(new Uint8Array(513).fill(0xff), e), range);
    engine.clear();
  });
});

describe('ML-DSA and ML-KEM keys', () => {
  test('the seed, the expanded key, or both when they fit each other', () => {
    for (const [name, keyType, set, seedLength] of [
      ['ml-dsa-65', CKK.ML_DSA, CKP.ML_DSA_65, 32],
      ['ml-kem-768', CKK.ML_KEM, CKP.ML_KEM_768, 64],
    ] as const) {
      const seed = new Uint8Array(seedLength).fill(7);
      const own = createPrivateKey({
        key: Buffer.from(seed),
        format: 'raw-seed',
        asymmetricKeyType: name,
      });
      const value = new Uint8Array(createPublicKey(own).export({ format: 'raw-public' }));
      const parameters: [number, AttributeValue] = [CKA.PARAMETER_SET, set];
      const key = privateKey(keyType, parameters, [CKA.SEED, seed]);
      const shown = publicKey(keyType, parameters, [CKA.VALUE, value]);
      assert.deepEqual(engine.attribute(shown, CKA.VALUE), value);
      assert.deepEqual(
        engine.attribute(key, CKA.PUBLIC_KEY_INFO),
        engine.attribute(shown, CKA.PUBLIC_KEY_INFO),
      );
      const [reading] = engine.run({ verb: 'attributes', object: key, types: [CKA.SEED] });
      assert.deepEqual(reading, { type: CKA.SEED, missing: 'sensitive' });
      const pkcs8 = new Uint8Array(own.export({ format: 'der', type: 'pkcs8' }));
      privateKey(keyType, [CKA.VALUE, pkcs8]);
      assert.throws(() => privateKey(keyType, parameters, [CKA.SEED, seed.subarray(1)]), invalid);
      assert.throws(() => privateKey(keyType, parameters, [CKA.VALUE, seed]), invalid);
      assert.throws(() => privateKey(keyType, [CKA.PARAMETER_SET, 9], [CKA.SEED, seed]), invalid);
      assert.throws(() => publicKey(keyType, parameters, [CKA.VALUE, value.subarray(1)]), invalid);
      assert.throws(() => publicKey(keyType, [CKA.VALUE, value]), { code: 'TEMPLATE_INCOMPLETE' });
      const zeros = new Uint8Array(keyType === CKK.ML_DSA ? 4032 : 2400);
      assert.throws(
        () => privateKey(keyType, parameters, [CKA.SEED, seed], [CKA.VALUE, zeros]),
        invalid,
      );
    }
    engine.clear();
  });
});

describe('curves by other names', () => {
  for (const [alias, oid, keyType, generator] of [
    ['130c656477617264733235353139', '06032b6570', CKK.EC_EDWARDS, CKM.EC_EDWARDS_KEY_PAIR_GEN],
    ['130a65647761726473343438', '06032b6571', CKK.EC_EDWARDS, CKM.EC_EDWARDS_KEY_PAIR_GEN],
    ['06092b06010401da470f01', '06032b6570', CKK.EC_EDWARDS, CKM.EC_EDWARDS_KEY_PAIR_GEN],
    ['130a63757276653235353139', '06032b656e', CKK.EC_MONTGOMERY, CKM.EC_MONTGOMERY_KEY_PAIR_GEN],
    ['13086375727665343438', '06032b656f', CKK.EC_MONTGOMERY, CKM.EC_MONTGOMERY_KEY_PAIR_GEN],
  ] as const) {
    test(alias, async () => {
      const pair = await engine.keys.handle(
        {
          verb: 'generate-pair',
          mechanism: plain(generator),
          publicTemplate: new Map([[CKA.EC_PARAMS, hex(alias)]]),
          privateTemplate: new Map(),
        },
        engine.caller,
      );
      for (const key of [pair.publicKey, pair.privateKey]) {
        assert.deepEqual(engine.attribute(key, CKA.EC_PARAMS), hex(oid));
        assert.equal(engine.attribute(key, CKA.KEY_TYPE), keyType);
      }
      engine.clear();
    });
  }

  test('a curve of the wrong family, none, or a parameter are refused', async () => {
    const make = (parameters: Template): Promise<unknown> =>
      Promise.resolve(
        engine.keys.handle(
          {
            verb: 'generate-pair',
            mechanism: plain(CKM.EC_EDWARDS_KEY_PAIR_GEN),
            publicTemplate: parameters,
            privateTemplate: new Map(),
          },
          engine.caller,
        ),
      );
    await assert.rejects(make(new Map([[CKA.EC_PARAMS, P256]])), invalid);
    await assert.rejects(make(new Map()), { code: 'TEMPLATE_INCOMPLETE' });
    const iv = { kind: 'iv', iv: utf8('none here') } as const;
    await assert.rejects(
      async () =>
        await engine.keys.handle(
          {
            verb: 'generate',
            mechanism: { type: CKM.AES_KEY_GEN, parameter: iv },
            template: new Map([[CKA.VALUE_LEN, 16]]),
          },
          engine.caller,
        ),
      { code: 'MECHANISM_PARAM_INVALID' },
    );
  });
});

test('DER is written as X.690 says, at every length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70_000 / 4 }), (value) => {
      const der = encodeDer(octets(value));
      const { length } = value;
      const head =
        length < 0x80
          ? [4, length]
          : length < 0x100
            ? [4, 0x81, length]
            : [4, 0x82, length >> 8, length & 0xff];
      assert.deepEqual(der, Uint8Array.of(...head, ...value));
    }),
    { numRuns: 30, examples: [127, 128, 255, 256].map((length) => [new Uint8Array(length)]) },
  );
  const numbers = [[], [0], [0, 0], [0x7f], [0x80], [0, 0, 0x81]].map((each) =>
    integer(Uint8Array.from(each)),
  );
  assert.equal(
    encodeDer(sequence(...numbers)).toHex(),
    '301402010002010002010002017f0202008002020081',
  );
});

test('nothing is taken from rubbish', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom(0, 3, 16, 64, 65, 73, 74),
      (der, keyType) => {
        for (const [objectClass, type] of [
          [CKO.PRIVATE_KEY, CKA.VALUE],
          [CKO.PUBLIC_KEY, CKA.PUBLIC_KEY_INFO],
          [CKO.PUBLIC_KEY, CKA.EC_POINT],
        ] as const) {
          assert.throws(
            () =>
              engine.create([
                [CKA.CLASS, objectClass],
                [CKA.KEY_TYPE, keyType],
                [type, der],
              ]),
            { name: 'KeysError' },
          );
        }
      },
    ),
    { numRuns: 200 },
  );
});
