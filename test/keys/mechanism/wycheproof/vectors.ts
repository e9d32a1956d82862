// Wycheproof's files, and the judgement of what the engine did with each vector in them.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { KeysError } from '../../../../src/keys/errors.ts';
import type { KeysErrorCode } from '../../../../src/keys/errors.ts';
import { FINGERPRINT_OF } from '../../../support/engine.ts';
import { EXCEPTIONS } from './exceptions.ts';
import type { Exception, Family } from './exceptions.ts';

const folder = join(import.meta.dirname, '../../../vectors/wycheproof');
const SUFFIX = '_test.json.br';

type Fields = Readonly<Record<string, unknown>>;

/** One vector, with the fields of its group behind its own. */
export interface Vector {
  readonly file: string;
  readonly id: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly result: 'valid' | 'invalid' | 'acceptable';
  /** The group that it belongs to: one key, often. */
  readonly group: object;
  has(name: string): boolean;
  text(name: string): string;
  number(name: string): number;
  /** A field in hexadecimal. */
  bytes(name: string): Uint8Array;
  /** A field of an object, in hexadecimal with an even number of digits. */
  part(name: string, inside: string): Uint8Array;
}

function vectorOf(file: string, group: Fields, test: Fields): Vector {
  const field = (name: string): unknown => test[name] ?? group[name];
  const text = (name: string): string => {
    const value = field(name);
    assert.equal(typeof value, 'string', `${file} ${String(test['tcId'])}: ${name}`);
    return value as string;
  };
  return {
    file,
    id: test['tcId'] as number,
    comment: (test['comment'] ?? '') as string,
    flags: (test['flags'] ?? []) as readonly string[],
    result: test['result'] as Vector['result'],
    group,
    has: (name) => field(name) !== undefined,
    text,
    number(name) {
      const value = field(name);
      assert.equal(typeof value, 'number', `${file}: ${name}`);
      return value as number;
    },
    bytes: (name) => Uint8Array.fromHex(text(name)),
    part(name, inside) {
      const digits = (field(name) as Readonly<Record<string, string>>)[inside];
      assert.ok(digits !== undefined, `${file}: ${name}.${inside}`);
      return Uint8Array.fromHex(digits.length % 2 === 0 ? digits : `0${digits}`);
    },
  };
}

/** Every vector of a file. */
export function vectorsOf(file: string): Vector[] {
  const packed = readFileSync(join(folder, `${file}${SUFFIX}`));
  const parsed = JSON.parse(brotliDecompressSync(packed).toString('utf8')) as {
    readonly numberOfTests: number;
    readonly testGroups: readonly (Fields & { readonly tests: readonly Fields[] })[];
  };
  const vectors = parsed.testGroups.flatMap((group) =>
    group.tests.map((test) => vectorOf(file, group, test)),
  );
  assert.equal(vectors.length, parsed.numberOfTests, `${file} holds what it says`);
  return vectors;
}

/** How many vectors of a file ended how. */
export interface Tally {
  readonly accepted: number;
  readonly refused: number;
}

/**
 * Gives every vector of a file to `attempt`, which returns when the engine did what the vector says
 * and lets the engine's error through when it refused. Anything but a KeysError is a failure, and so
 * is an acceptable vector for which EXCEPTIONS has no decision.
 * @param expected how many are accepted and how many refused: no vector is left out in silence
 * @param refusal the code that invalid vectors are refused with, where it must be one
 */
export function judge(
  file: string,
  expected: Tally,
  attempt: (vector: Vector) => void,
  refusal: KeysErrorCode | 'refused' = 'refused',
): void {
  const tally = { accepted: 0, refused: 0 };
  const used = new Map<Exception, number>();
  const wrong: string[] = [];
  for (const vector of vectorsOf(file)) {
    const exception = EXCEPTIONS.find((each) => each.file.test(file) && each.applies(vector));
    if (exception !== undefined) used.set(exception, (used.get(exception) ?? 0) + 1);
    const usual = { valid: 'accepted', invalid: refusal, acceptable: 'undecided' } as const;
    const wanted = exception?.outcome ?? usual[vector.result];
    let outcome = 'accepted';
    try {
      attempt(vector);
      tally.accepted++;
    } catch (error) {
      if (!(error instanceof KeysError)) throw new Error(`${file} ${vector.id}`, { cause: error });
      outcome = error.code;
      tally.refused++;
    }
    const right = wanted === 'refused' ? outcome !== 'accepted' : outcome === wanted;
    if (!right) {
      wrong.push(
        `${vector.id} (${vector.result}, ${vector.flags.join(' ')}; ${vector.comment}): ${outcome} instead of ${wanted}`,
      );
    }
  }
  assert.deepEqual(wrong, [], file);
  assert.deepEqual(tally, expected, `${file}: accepted and refused`);
  judgedFiles.add(file);
  for (const [exception, count] of used) {
    judged.set(exception, (judged.get(exception) ?? 0) + count);
  }
}

const judged = new Map<Exception, number>();
const judgedFiles = new Set<string>();

/** Which files belong to which test file; each belongs to one. */
const FAMILIES: Readonly<Record<Family, RegExp>> = {
  symmetric: /^(aes|hmac)_/,
  agreement: /^(ecdh|x25519|x448|hkdf)/,
  signature: /^(ecdsa|ed25519|ed448|rsa_(signature|pkcs1|pss))/,
  oaep: /^rsa_oaep_/,
  lattice: /^ml(dsa|kem)_/,
};

/** Every file of the family was judged, and every exception covered as many vectors as it says. */
export function checkComplete(family: Family): void {
  const files = readdirSync(folder).flatMap((name) =>
    name.endsWith(SUFFIX) ? [name.slice(0, -SUFFIX.length)] : [],
  );
  for (const file of files) {
    const owners = Object.values(FAMILIES).filter((pattern) => pattern.test(file));
    assert.equal(owners.length, 1, `${file} belongs to one family`);
  }
  assert.deepEqual(
    [...judgedFiles].sort(),
    files.filter((file) => FAMILIES[family].test(file)).sort(),
    'no file is left out',
  );
  const rows = EXCEPTIONS.filter((each) => each.family === family);
  assert.deepEqual(
    rows.map((each) => `${judged.get(each) ?? 0}: ${each.reason}`),
    rows.map((each) => `${each.count}: ${each.reason}`),
  );
}

/** What `TestEngine.fingerprint` gives for a key of this value. */
export function fingerprintOf(value: Uint8Array): Uint8Array {
  return createHmac('sha256', value).update(FINGERPRINT_OF).digest();
}
