// Questions of every shape for the laws: five purposes, services of the catalogue and of one's own,
// splits, obligations, refusals, and unknown facts everywhere.
import fc from 'fast-check';
import { factSpec, factsFor } from '../../../src/decisions/catalogue/vocabulary.ts';
import { infosOf } from '../../../src/decisions/model/concerns.ts';
import { ADVERSARY_KINDS } from '../../../src/decisions/model/question.ts';
import type { Purpose } from '../../../src/decisions/index.ts';
import { shippedCatalogue } from '../../../src/decisions/index.ts';

const COUNTRIES = ['US', 'GB', 'CH'];
const tri = fc.constantFrom('yes', 'no', 'unknown');

/** A question as a person writes it, before it is checked. */
export interface Asking {
  aim: string;
  purpose: Purpose;
  giveUp: string;
  protect: { info: string; from: string; harm?: number; ignored?: string }[];
  parts: { id: string; harm: number }[];
  parties: { id: string; citizenships: string[] | 'unknown'; residence: string }[];
  devices: {
    id: string;
    owner: string;
    updated: string;
    appsUpdated: string;
    fromMaker: string;
    cloudBackup: string;
  }[];
  ends: { a: string[]; b: string[] };
  options: AskedOption[];
  obligations: unknown[];
  refused: unknown[];
}

export interface AskedUse {
  service?: string;
  facts: Record<string, unknown>;
  have: boolean;
  ends?: { a: string[]; b: string[] };
  apps: Record<string, string>;
  backups: Record<string, string>;
  belowFloor: boolean;
  keyPurposes: string[];
}

export type AskedOption =
  | (AskedUse & { id: string; split?: undefined })
  | { id: string; split: (AskedUse & { part: string })[] };

/** Some value that a fact may have; unknown now and then. */
function factValue(fact: string): fc.Arbitrary<unknown> {
  const spec = factSpec(fact);
  const unknown = fc.constant<unknown>('unknown');
  const known = (): fc.Arbitrary<unknown> => {
    switch (spec?.kind) {
      case 'word':
        return fc.constantFrom<unknown>(...(spec.values ?? []));
      case 'countries':
        return fc.subarray(COUNTRIES, { minLength: 0, maxLength: 2 });
      case 'names':
        return fc.constantFrom<unknown>(['meta'], ['signal'], ['carrier', 'meta']);
      case 'name':
        return fc.constantFrom<unknown>('Q', 'P');
      case 'level':
      case 'text':
      case undefined:
        throw new Error(`${fact} is not for the adviser`);
    }
  };
  return fc.oneof({ weight: 7, arbitrary: known() }, { weight: 1, arbitrary: unknown });
}

function use(purpose: Purpose): fc.Arbitrary<AskedUse> {
  const services = shippedCatalogue()
    .services.filter((service) => service.purposes.includes(purpose))
    .map((service) => service.id);
  const known = factsFor(purpose).filter((fact) => fact !== 'reviewed');
  const own = fc
    .tuple(
      fc.tuple(...known.map(factValue)),
      fc.subarray(known, { maxLength: 2 }),
      fc.integer({ min: 0, max: 19 }).map((each) => ['no', 'unknown'][each] ?? 'yes'),
    )
    .map(([values, leftOut, reviewed]) => {
      const facts: Record<string, unknown> = { reviewed };
      for (const [index, fact] of known.entries()) {
        if (!leftOut.includes(fact)) facts[fact] = values[index];
      }
      return facts;
    });
  // Facts of a service of the catalogue can only be doubted.
  const doubted = fc
    .subarray([...factsFor(purpose)], { maxLength: 1 })
    .map((facts) => Object.fromEntries(facts.map((fact) => [fact, 'unknown'])));
  const isSend = purpose === 'send';
  return fc
    .record({
      service: fc.option(fc.constantFrom(...services), { nil: undefined }),
      own,
      doubted,
      offered: fc.constantFrom(undefined, undefined, undefined, 'yes', 'no', 'unknown'),
      have: fc.boolean(),
      apps: isSend ? fc.record({ a: tri, b: tri }, { requiredKeys: [] }) : fc.constant({}),
      backups: isSend
        ? fc.record({ b: fc.constantFrom('on', 'off', 'sealed', 'unknown') }, { requiredKeys: [] })
        : fc.constant({}),
      belowFloor: fc.integer({ min: 0, max: 19 }).map((each) => each === 0),
      keyPurposes: fc
        .integer({ min: 0, max: 19 })
        .map((each) => (each === 0 ? ['sign', 'wrap'] : each === 1 ? ['sign'] : [])),
    })
    .map(({ service, own: facts, doubted: doubts, offered, ...rest }): AskedUse => {
      if (service !== undefined) return Object.assign(rest, { service, facts: doubts });
      if (offered !== undefined) facts['offered:GB'] = offered;
      return Object.assign(rest, { facts });
    });
}

const FROM = [...ADVERSARY_KINDS, 'legal(US)', 'state(GB)'];

/** A few pairs that are judged; all others are left out with a reason. */
function concerns(purpose: Purpose): fc.Arbitrary<Asking['protect']> {
  const pairs = infosOf(purpose).flatMap((info) => FROM.map((from) => [info, from] as const));
  const chosen = fc.subarray(pairs, { minLength: 1, maxLength: 6 });
  const levels = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 6, maxLength: 6 });
  return fc.tuple(chosen, levels).map(([judged, harms]) =>
    pairs.map((pair) => {
      const [info, from] = pair;
      const place = judged.indexOf(pair);
      return place < 0
        ? { info, from, ignored: 'left out' }
        : { info, from, harm: harms[place] ?? 0 };
    }),
  );
}

const PEOPLE = ['alice', 'bob'];
const DEVICES = ['phone-a', 'phone-b', 'tablet-a'];

function ofPurpose(purpose: Purpose): fc.Arbitrary<Asking> {
  const isSend = purpose === 'send';
  const one = use(purpose);
  const single = fc
    .tuple(fc.constantFrom('one', 'two', 'three'), one)
    .map(([id, value]): AskedOption => Object.assign({ id }, value));
  const divided = fc
    .tuple(one, one, fc.boolean())
    .map(([first, second, otherPhone]): AskedOption => {
      const ends = { a: ['tablet-a'], b: ['phone-b'] };
      const elsewhere = isSend && otherPhone ? Object.assign({ ends }, second) : second;
      return {
        id: 'divided',
        split: [
          Object.assign({ part: 'left' }, first),
          Object.assign({ part: 'right' }, elsewhere),
        ],
      };
    });
  const citizenships = fc.oneof(
    fc.constant<string[] | 'unknown'>('unknown'),
    fc.subarray(COUNTRIES, { minLength: 1 }),
  );
  return fc.record({
    aim: fc.constant('do something'),
    purpose: fc.constant(purpose),
    giveUp: fc.constantFrom('security', 'ease', 'cost'),
    protect: concerns(purpose),
    parts: fc
      .tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 }))
      .map(([left, right]) => [
        { id: 'left', harm: left },
        { id: 'right', harm: right },
      ]),
    parties: fc.tuple(
      ...PEOPLE.map((id) =>
        fc.record({
          id: fc.constant(id),
          citizenships,
          residence: fc.constantFrom(...COUNTRIES, 'unknown'),
        }),
      ),
    ),
    devices: fc.tuple(
      ...DEVICES.map((id) =>
        fc.record({
          id: fc.constant(id),
          owner: fc.constantFrom(...PEOPLE),
          updated: tri,
          appsUpdated: tri,
          fromMaker: tri,
          cloudBackup: fc.constantFrom('on', 'off', 'sealed', 'unknown'),
        }),
      ),
    ),
    ends: fc.constantFrom(
      { a: ['phone-a'], b: ['phone-b'] },
      { a: ['phone-a', 'tablet-a'], b: ['phone-b'] },
    ),
    options: fc.oneof(fc.tuple(single), fc.tuple(single, divided), fc.tuple(divided)),
    obligations: fc.constantFrom<unknown[]>(
      [],
      [],
      [],
      [],
      [],
      [],
      [],
      [
        {
          id: 'law',
          text: 'the law',
          requires: [{ fact: 'jurisdiction', oneOf: ['CH', 'GB'] }],
        },
      ],
    ),
    refused: fc.constantFrom<unknown[]>(
      [],
      [],
      [{ decision: 'dec-1', when: { 'cpu-vendor': 'Q', tee: 'yes' } }],
    ),
  }) as fc.Arbitrary<Asking>;
}

/** Any question at all. */
export const questions: fc.Arbitrary<Asking> = fc.oneof(
  { weight: 4, arbitrary: ofPurpose('send') },
  { weight: 2, arbitrary: ofPurpose('store') },
  { weight: 1, arbitrary: ofPurpose('resolve') },
  { weight: 1, arbitrary: ofPurpose('run') },
  { weight: 1, arbitrary: ofPurpose('keep-key') },
);

/** The uses of all options, for a test to change. */
export function usesOf(question: Asking): AskedUse[] {
  return question.options.flatMap((option): AskedUse[] =>
    option.split === undefined ? [option] : option.split,
  );
}
