// The laws of the adviser on ten thousand questions each: what makes a thing worse never makes a
// verdict better, and nothing but the question, the rules, the facts and the day makes a difference.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  advise,
  canonicalJson,
  checkQuestion,
  defaultRulePack,
  rank,
  shippedCatalogue,
  verdictsOf,
} from '../../../src/decisions/index.ts';
import type { Answer, OptionAnswer, RulePack, Verdict } from '../../../src/decisions/index.ts';
import { factSpec, factsFor } from '../../../src/decisions/catalogue/vocabulary.ts';
import { TODAY } from './asking.ts';
import { questions, usesOf } from './questions.ts';
import type { AskedUse, Asking } from './questions.ts';

const RUNS = Number(process.env['STRONGROOM_RUNS'] ?? 10_000);
const pack = defaultRulePack();
const catalogue = shippedCatalogue();

function answer(question: Asking, rules: RulePack = pack, now: string = TODAY): Answer {
  return advise(checkQuestion(question), rules, catalogue, now);
}

type Verdicts = ReadonlyMap<string, Verdict>;

function judge(question: Asking, rules: RulePack = pack, now: string = TODAY): Verdicts {
  return verdictsOf(checkQuestion(question), rules, catalogue, now);
}

/** No option has a better verdict than it had before. */
function neverBetter(before: Verdicts, after: Verdicts, why: string): void {
  for (const [id, verdict] of before) {
    const then = after.get(id);
    assert.ok(
      then !== undefined && rank(then) >= rank(verdict),
      `${id}: ${verdict} became ${then} by ${why}`,
    );
  }
}

/** A number that picks something, whatever there is to pick from. */
const pick = fc.nat({ max: 9999 });

function picked<Value>(values: readonly Value[], number: number): Value | undefined {
  return values[number % Math.max(1, values.length)];
}

test('more harm never improves a verdict', () => {
  fc.assert(
    fc.property(questions, pick, (question, number) => {
      const before = judge(question);
      const harms = [...question.protect, ...question.parts];
      const one = picked(
        harms.filter((each) => each.harm !== undefined && each.harm < 4),
        number,
      );
      if (one?.harm === undefined) return;
      one.harm += 1;
      neverBetter(before, judge(question), 'more harm');
    }),
    { numRuns: RUNS },
  );
});

test('more reach never improves a verdict', () => {
  const raised = pack.reach
    .filter((row) => row.reach < 3)
    .map((row) => {
      const higher = Object.assign({}, row, { reach: row.reach + 1 });
      const reach = pack.reach.map((each) => (each === row ? higher : each));
      return Object.assign({}, pack, { reach });
    });
  fc.assert(
    fc.property(questions, pick, (question, number) => {
      const rules = picked(raised, number) ?? pack;
      neverBetter(judge(question), judge(question, rules), 'more reach');
    }),
    { numRuns: RUNS },
  );
});

test('another adversary never improves a verdict', () => {
  fc.assert(
    fc.property(questions, pick, fc.nat({ max: 4 }), (question, number, harm) => {
      const before = judge(question);
      const one = picked(
        question.protect.filter((each) => each.ignored !== undefined),
        number,
      );
      if (one === undefined) return;
      delete one.ignored;
      one.harm = harm;
      neverBetter(before, judge(question), 'another adversary');
    }),
    { numRuns: RUNS },
  );
});

test('another unknown never improves a verdict', () => {
  fc.assert(
    fc.property(questions, pick, (question, number) => {
      const before = judge(question);
      const forget = picked(forgettable(question), number);
      forget?.();
      neverBetter(before, judge(question), 'another unknown');
      const later = judge(question, pack, '2099-01-01');
      neverBetter(judge(question), later, 'facts that expired');
    }),
    { numRuns: RUNS },
  );
});

/** Everything that is known and could be forgotten. */
function forgettable(question: Asking): (() => void)[] {
  const ways: (() => void)[] = [];
  for (const party of question.parties) {
    ways.push(() => (party.citizenships = 'unknown'));
    ways.push(() => (party.residence = 'unknown'));
  }
  for (const device of question.devices) {
    ways.push(() => (device.updated = 'unknown'));
    ways.push(() => (device.appsUpdated = 'unknown'));
    ways.push(() => (device.fromMaker = 'unknown'));
    ways.push(() => (device.cloudBackup = 'unknown'));
  }
  for (const use of usesOf(question)) {
    for (const fact of Object.keys(use.facts)) ways.push(() => (use.facts[fact] = 'unknown'));
    for (const end of Object.keys(use.apps)) ways.push(() => (use.apps[end] = 'unknown'));
    for (const end of Object.keys(use.backups)) ways.push(() => (use.backups[end] = 'unknown'));
    if (use.service !== undefined) {
      for (const fact of [
        'e2ee',
        'jurisdiction',
        'app-open',
        'reviewed',
        'operator',
        'tee',
        'place',
      ]) {
        ways.push(() => (use.facts[fact] = 'unknown'));
      }
    }
  }
  return ways;
}

test('adding an option never changes another’s verdict', () => {
  fc.assert(
    fc.property(questions, questions, (question, other) => {
      const before = judge(question);
      const [more] = other.purpose === question.purpose ? other.options : question.options;
      if (more === undefined) return;
      question.options.push(Object.assign({}, more, { id: 'more' }));
      const after = judge(question);
      for (const [id, verdict] of before) assert.equal(after.get(id), verdict);
    }),
    { numRuns: RUNS },
  );
});

test('the order of the input makes no difference, nor does asking for the verdict alone', () => {
  const turned = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(turned).reverse();
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .map(([name, member]) => [name, turned(member)])
        .reverse(),
    );
  };
  // The adviser is a function of the checked question: the same members in the same order.
  fc.assert(
    fc.property(questions, (question) => {
      const checked = JSON.stringify(checkQuestion(question));
      assert.equal(JSON.stringify(checkQuestion(turned(question))), checked);
    }),
    { numRuns: RUNS },
  );
  fc.assert(
    fc.property(questions, (question) => {
      const once = answer(question);
      assert.equal(canonicalJson(answer(turned(question) as Asking)), canonicalJson(once));
      const alone = judge(question);
      for (const { id, verdict } of once.options) assert.equal(alone.get(id), verdict);
    }),
    { numRuns: 1500 },
  );
});

test('a checked question is read again as itself', () => {
  fc.assert(
    fc.property(questions, (question) => {
      const checked = checkQuestion(question);
      assert.equal(canonicalJson(checkQuestion(checked)), canonicalJson(checked));
    }),
    { numRuns: 2000 },
  );
});

test('the unknown facts that matter are those that brute force finds', () => {
  let found = 0;
  fc.assert(
    fc.property(questions, (question) => {
      // To doubt what the catalogue knows is fine, but brute force could not write another value.
      for (const use of usesOf(question)) if (use.service !== undefined) use.facts = {};
      const before = answer(question);
      const listed = before.unknowns.map(
        (each) => `${each.option} ${each.fact}=${each.value} ${each.verdict}`,
      );
      const tried = bruteForce(question, before);
      assert.deepEqual(listed.sort(), tried.sort());
      found += listed.length;
    }),
    { numRuns: 1000 },
  );
  assert.ok(found > 500, 'the questions have unknown facts that matter');
});

/** Writes every value of every unknown fact into the question itself, one at a time, and asks again. */
function bruteForce(question: Asking, before: Answer): string[] {
  const found: string[] = [];
  for (const option of question.options) {
    const alone: Asking = { ...question, options: [option] };
    const base = before.options.find((each) => each.id === option.id);
    const countries = countriesOf(alone, base);
    for (const [key, fact, write] of unknownFacts(alone)) {
      for (const value of domain(fact, countries)) {
        const copy = structuredClone(alone);
        write(copy, value);
        const then = judge(copy).get(option.id);
        if (then === base?.verdict) continue;
        const written = Array.isArray(value) ? value.join('+') : String(value);
        found.push(`${option.id} ${key}=${written} ${then}`);
      }
    }
  }
  return found;
}

/** Every country that has to do with the question, and one that has not. */
function countriesOf(question: Asking, base: OptionAnswer | undefined): string[] {
  const countries = [
    ...question.protect.flatMap((each) => /\((..)\)/.exec(each.from)?.[1] ?? []),
    ...question.parties.flatMap((party) => [party.citizenships, party.residence].flat()),
    ...(base?.surface ?? []).flatMap((component) => component.countries),
  ];
  return [...new Set(countries.filter((each) => /^[A-Z]{2}$/.test(each))), 'ZZ'];
}

function domain(fact: string, countries: readonly string[]): readonly unknown[] {
  if (fact === 'residence') return countries;
  if (fact === 'citizenships') return countries.map((each) => [each]);
  if (fact === 'cloudBackup' || fact === 'backup') return ['on', 'off', 'sealed'];
  const spec = factSpec(fact);
  if (spec === undefined) return ['yes', 'no'];
  if (spec.kind === 'word') return spec.values ?? [];
  if (spec.kind === 'countries') return countries.map((each) => [each]);
  if (spec.kind === 'names') return [['somebody-else']];
  return fact === 'cpu-vendor' ? ['Q', 'another'] : ['another'];
}

type Unknown = [key: string, fact: string, write: (question: Asking, value: unknown) => void];

/** Everything about a question with one option that nobody knows, and how to know it. */
function unknownFacts(question: Asking): Unknown[] {
  const facts: Unknown[] = [];
  for (const [index, party] of question.parties.entries()) {
    for (const member of ['residence', 'citizenships'] as const) {
      if (party[member] !== 'unknown') continue;
      facts.push([
        `${party.id}:${member}`,
        member,
        (copy, value) => Object.assign(copy.parties[index] ?? {}, { [member]: value }),
      ]);
    }
  }
  const members = {
    updated: 'updated',
    appsUpdated: 'apps-updated',
    fromMaker: 'from-maker',
    cloudBackup: 'cloud-backup',
  };
  for (const [index, device] of question.devices.entries()) {
    for (const [member, name] of Object.entries(members)) {
      if (Object.entries(device).find(([key]) => key === member)?.[1] !== 'unknown') continue;
      facts.push([
        `${device.id}:${name}`,
        member,
        (copy, value) => Object.assign(copy.devices[index] ?? {}, { [member]: value }),
      ]);
    }
  }
  const seen = new Set<string>();
  for (const [index, use] of usesOf(question).entries()) {
    const [option] = question.options;
    const part = option?.split?.[index]?.part;
    const ref = use.service ?? (part === undefined ? option?.id : `${option?.id}.${part}`);
    const names = [
      ...factsFor(question.purpose),
      ...(question.refused.length > 0 ? ['cpu-vendor', 'tee'] : []),
      'jurisdiction',
      'offered:GB',
      ...Object.keys(use.facts),
    ];
    for (const fact of new Set(names)) {
      const key = `${ref}:${fact}`;
      if (seen.has(key) || !isUnknown(question, use, fact)) continue;
      seen.add(key);
      // Two parts by the same service do not know the same facts.
      facts.push([
        key,
        fact,
        (copy, value) => {
          for (const each of usesOf(copy)) {
            if (
              (use.service === undefined
                ? each === usesOf(copy)[index]
                : each.service === use.service) &&
              isUnknown(copy, each, fact)
            ) {
              each.facts[fact] = value;
            }
          }
        },
      ]);
    }
    for (const [member, name] of [
      ['apps', 'app'],
      ['backups', 'backup'],
    ] as const) {
      for (const [end, value] of Object.entries(use[member])) {
        const key = member === 'apps' ? `${ref}:app-${end}-updated` : `${ref}:backup-${end}`;
        if (value !== 'unknown' || seen.has(key)) continue;
        seen.add(key);
        facts.push([
          key,
          name,
          (copy, supposed) => {
            for (const each of usesOf(copy)) {
              const same =
                use.service === undefined
                  ? each === usesOf(copy)[index]
                  : each.service === use.service;
              if (same && each[member][end] === 'unknown') each[member][end] = String(supposed);
            }
          },
        ]);
      }
    }
  }
  return facts;
}

function isUnknown(question: Asking, use: AskedUse, fact: string): boolean {
  const said = use.facts[fact];
  if (said !== undefined) return said === 'unknown';
  const service = catalogue.services.find((each) => each.id === use.service);
  const known = catalogue.facts
    .filter(
      (each) =>
        each.fact === fact &&
        each.service === service?.service &&
        (each.setting === '*' || each.setting === service.setting),
    )
    .sort((one) => (one.setting === '*' ? 1 : -1))[0];
  if (known !== undefined) return known.value === 'unknown' || known.expires < TODAY;
  // What nobody ever says is not unknown where leaving it out has a meaning.
  if (fact === 'own-app' || fact.startsWith('offered:')) return false;
  return !(fact === 'reviewed' && (question.purpose === 'run' || question.purpose === 'keep-key'));
}
