import { factSpec, shape } from '../catalogue/vocabulary.ts';
import { readFactValue } from '../catalogue/read-catalogue.ts';
import { canonicalJson } from './canonical-json.ts';
import { readConcerns } from './concerns.ts';
import { fieldOf, readDocument } from './document.ts';
import type { Field } from './document.ts';
import { byCodeUnits, sortedSet } from './order.ts';
import { GIVE_UPS, PURPOSES } from './question.ts';
import type {
  Device,
  Ends,
  FactValue,
  Obligation,
  Option,
  Part,
  Party,
  Question,
  RefusedClass,
  Tri,
  Use,
} from './question.ts';
import type { Label } from './verdict.ts';

const CODE = 'QUESTION_INVALID';
const TRI = ['yes', 'no', 'unknown'] as const;
const BACKUP = ['on', 'off', 'sealed', 'unknown'] as const;
const MEMBERS = [
  'version',
  'aim',
  'purpose',
  'subject',
  'giveUp',
  'protect',
  'parts',
  'parties',
  'devices',
  'ends',
  'options',
  'obligations',
  'refused',
] as const;
const USE_MEMBERS = [
  'service',
  'facts',
  'have',
  'ends',
  'apps',
  'backups',
  'belowFloor',
  'keyPurposes',
] as const;
/** Names of components: a device of that name could not be told apart from them. */
const RESERVED = new Set(
  'app link server copy store key-holder recovery resolver later-connection host cpu firmware runtime workload create use transfer app-a app-b link-a link-b copy-a copy-b'.split(
    ' ',
  ),
);

/**
 * Reads a question from JSON or YAML, checks it whole, fills in every default and brings every list
 * into its one order: two questions that mean the same become the same.
 * @throws {DecisionsError} QUESTION_INVALID, naming the line and the member
 */
export function readQuestion(text: string, name = 'the question'): Question {
  return questionOf(readDocument(text, name, CODE));
}

/** Checks a question that is already a value, such as one out of a record. @throws {DecisionsError} */
export function checkQuestion(value: unknown, name = 'the question'): Question {
  return questionOf(fieldOf(value, name, CODE));
}

function questionOf(field: Field): Question {
  field.object(MEMBERS);
  const version = field.at('version');
  if (!version.missing && version.value !== 1) version.fail('must be 1');
  const purpose = field.at('purpose').oneOf(PURPOSES);
  const subject = field.at('subject').oneOf(['whole-device', 'selection'], 'selection');
  if (subject === 'whole-device' && purpose !== 'store') {
    field.at('subject').fail('can be `whole-device` only when the purpose is `store`');
  }
  const parties = unique(field.at('parties'), partyOf);
  if (parties.length === 0) field.at('parties').fail('must name at least you');
  const devices = unique(field.at('devices'), (each) => deviceOf(each, parties));
  const parts = unique(field.at('parts'), partOf);
  const ends = endsOf(field.at('ends'), devices, defaultEnds(purpose, devices));
  const options = unique(field.at('options'), (each) => optionOf(each, parts, devices, ends));
  if (options.length === 0) field.at('options').fail('must name at least one option');
  for (const option of options) checkEnds(field.at('options'), purpose, option);
  const aim = field.at('aim').text();
  if (aim.trim() === '')
    field.at('aim').fail('is empty', 'say in your own words what you want to do');
  return {
    version: 1,
    aim,
    purpose,
    subject,
    giveUp: field.at('giveUp').oneOf(GIVE_UPS, 'cost'),
    protect: readConcerns(field.at('protect'), purpose, subject),
    parts,
    parties,
    devices,
    options,
    obligations: unique(field.at('obligations'), obligationOf),
    refused: sortedValues(field.at('refused').list().map(refusedOf)),
  };
}

/** Reads a list of things with ids, refuses a second one of the same id, and sorts by id. */
function unique<Thing extends { readonly id: string }>(
  field: Field,
  read: (field: Field) => Thing,
): readonly Thing[] {
  const things = new Map<string, Thing>();
  for (const each of field.list()) {
    const thing = read(each);
    if (things.has(thing.id)) each.fail(`has the id \`${thing.id}\` of another one`);
    things.set(thing.id, thing);
  }
  return [...things.values()].sort((one, other) => byCodeUnits(one.id, other.id));
}

/** Sorted by their canonical JSON, each once. */
function sortedValues<Value>(values: readonly Value[]): readonly Value[] {
  const byText = new Map(values.map((value) => [canonicalJson(value), value]));
  return [...byText].sort(([one], [other]) => byCodeUnits(one, other)).map(([, value]) => value);
}

/** Members in the order of their names: what is read one by one must not depend on the writer. */
function sortedMembers<Value>(
  members: Readonly<Record<string, Value>>,
): Readonly<Record<string, Value>> {
  const entries = Object.entries(members);
  return Object.fromEntries(entries.sort(([one], [other]) => byCodeUnits(one, other)));
}

function nameOf(field: Field): { readonly name?: string } {
  return field.at('name').missing ? {} : { name: field.at('name').text(100) };
}

function tri(field: Field): Tri {
  if (field.missing) return 'unknown';
  if (field.value === true) return 'yes';
  if (field.value === false) return 'no';
  return field.oneOf<Tri>(TRI);
}

function country(field: Field): string {
  if (field.missing || field.value === 'unknown') return 'unknown';
  const code = field.text(10);
  return /^[A-Z]{2}$/.test(code)
    ? code
    : field.fail(`is \`${code}\`, and must be two capital letters, such as GB, or unknown`);
}

function partyOf(field: Field): Party {
  field.object(['id', 'name', 'citizenships', 'residence']);
  const citizenships = field.at('citizenships');
  const known = citizenships.missing || citizenships.value === 'unknown' ? undefined : citizenships;
  return {
    id: field.at('id').id(),
    ...nameOf(field),
    citizenships:
      known === undefined
        ? 'unknown'
        : sortedSet(
            known
              .oneOrMore(20)
              .map(country)
              .filter((each) => each !== 'unknown'),
          ),
    residence: country(field.at('residence')),
  };
}

function deviceOf(field: Field, parties: readonly Party[]): Device {
  field.object(['id', 'name', 'owner', 'updated', 'appsUpdated', 'fromMaker', 'cloudBackup']);
  const id = field.at('id').id();
  if (RESERVED.has(id)) field.at('id').fail(`is \`${id}\`, the name of a component`);
  const [only] = parties;
  const owner =
    field.at('owner').missing && parties.length === 1 ? only?.id : field.at('owner').id();
  if (owner === undefined || !parties.some((party) => party.id === owner)) {
    return field.at('owner').fail('must be the id of a party');
  }
  return {
    id,
    ...nameOf(field),
    owner,
    updated: tri(field.at('updated')),
    appsUpdated: tri(field.at('appsUpdated')),
    fromMaker: tri(field.at('fromMaker')),
    cloudBackup: field.at('cloudBackup').oneOf<Device['cloudBackup']>(BACKUP, 'unknown'),
  };
}

function partOf(field: Field): Part {
  field.object(['id', 'name', 'harm']);
  return {
    id: field.at('id').id(),
    ...nameOf(field),
    harm: field.at('harm').integer(0, 4) as Label,
  };
}

/** One device is at end a; of two, the one whose id sorts first. Others must be said. */
function defaultEnds(purpose: Question['purpose'], devices: readonly Device[]): Ends {
  const ids = devices.map((device) => device.id);
  if (purpose !== 'send') return { a: ids, b: [] };
  return ids.length === 2 ? { a: ids.slice(0, 1), b: ids.slice(1) } : { a: [], b: [] };
}

function endsOf(field: Field, devices: readonly Device[], otherwise: Ends): Ends {
  if (field.missing) return otherwise;
  field.object(['a', 'b']);
  const end = (name: 'a' | 'b'): readonly string[] => {
    const list = field.at(name);
    if (list.missing) return otherwise[name];
    return sortedSet(
      list.oneOrMore(20).map((each) => {
        const id = each.id();
        return devices.some((device) => device.id === id)
          ? id
          : each.fail(`is \`${id}\`, which is no device here`);
      }),
    );
  };
  return { a: end('a'), b: end('b') };
}

function optionOf(
  field: Field,
  parts: readonly Part[],
  devices: readonly Device[],
  ends: Ends,
): Option {
  field.object(['id', 'name', 'use', 'split', ...USE_MEMBERS]);
  if (!field.at('split').missing) {
    field.object(['id', 'name', 'split']);
    const split = field
      .at('split')
      .list(50)
      .map((each) => {
        each.object(['part', 'use', ...USE_MEMBERS]);
        const part = each.at('part').id();
        if (!parts.some((known) => known.id === part)) {
          each.at('part').fail(`is \`${part}\`, which is no part here`);
        }
        return { part, use: useOf(each, devices, ends) };
      });
    if (split.length < 2) field.at('split').fail('must have at least two parts');
    const named = sortedSet(split.map((each) => each.part));
    if (named.length !== split.length) field.at('split').fail('names a part twice');
    if (named.length !== parts.length) field.at('split').fail('must say where every part goes');
    return {
      id: field.at('id').id(),
      ...nameOf(field),
      split: split.sort((one, other) => byCodeUnits(one.part, other.part)),
    };
  }
  const use = useOf(field, devices, ends);
  const id =
    field.at('id').missing && use.service !== undefined ? use.service : field.at('id').id();
  return { id, ...nameOf(field), use };
}

/** The members of a use stand in the option itself, or under `use` as in a stored question. */
function useOf(outer: Field, devices: readonly Device[], ends: Ends): Use {
  const field = outer.at('use').missing ? outer : outer.at('use').object(USE_MEMBERS);
  if (field !== outer) {
    const twice = USE_MEMBERS.find((name) => !outer.at(name).missing);
    if (twice !== undefined) outer.at(twice).fail('belongs under `use` here');
  }
  const apps = byEnd(field.at('apps'), tri);
  const backups = byEnd(field.at('backups'), (each) => each.oneOf<Device['cloudBackup']>(BACKUP));
  return {
    ...(field.at('service').missing ? {} : { service: field.at('service').id() }),
    facts: factsOf(field.at('facts')),
    have: field.at('have').flag(false),
    ends: endsOf(field.at('ends'), devices, ends),
    apps,
    backups,
    belowFloor: field.at('belowFloor').flag(false),
    keyPurposes: sortedSet(
      field
        .at('keyPurposes')
        .list(20)
        .map((each) => each.id()),
    ),
  };
}

function byEnd<Value>(
  field: Field,
  read: (field: Field) => Value,
): { readonly a?: Value; readonly b?: Value } {
  if (field.missing) return {};
  field.object(['a', 'b']);
  return {
    ...(field.at('a').missing ? {} : { a: read(field.at('a')) }),
    ...(field.at('b').missing ? {} : { b: read(field.at('b')) }),
  };
}

function factsOf(field: Field): Readonly<Record<string, FactValue>> {
  if (field.missing) return {};
  const facts: Record<string, FactValue> = {};
  for (const [name, value] of field.entries()) {
    const spec = factSpec(name);
    if (spec === undefined) {
      value.fail('is no fact', 'strongroom decide catalogue --facts lists them');
    } else if (spec.kind === 'text') {
      value.fail('is for people only and changes nothing here');
    } else {
      facts[name] = readFactValue(value, spec);
    }
  }
  return sortedMembers(facts);
}

function checkEnds(field: Field, purpose: Question['purpose'], option: Option): void {
  const uses = 'use' in option ? [option.use] : option.split.map((each) => each.use);
  for (const use of uses) {
    const needed =
      purpose === 'send'
        ? (['a', 'b'] as const)
        : purpose === 'run' || purpose === 'keep-key'
          ? []
          : (['a'] as const);
    const bare = needed.find((end) => use.ends[end].length === 0);
    if (bare !== undefined) {
      field.fail(
        `: \`${option.id}\` has no device at end ${bare}`,
        'name devices, and with more than two of them `ends: {a: [...], b: [...]}`',
      );
    }
    const both = use.ends.a.find((id) => use.ends.b.includes(id));
    if (both !== undefined) field.fail(`: \`${option.id}\` has \`${both}\` at both ends`);
  }
}

function obligationOf(field: Field): Obligation {
  field.object(['id', 'text', 'requires']);
  const requires = field
    .at('requires')
    .list(50)
    .map((each) => {
      each.object(['fact', 'oneOf']);
      const fact = each.at('fact').text(64);
      const spec = factSpec(fact);
      if (spec === undefined || spec.kind === 'text' || spec.kind === 'level') {
        return each.at('fact').fail(`is \`${fact}\`, which is no fact that can be required`);
      }
      const oneOf = sortedSet(
        each
          .at('oneOf')
          .list()
          .map((value) => value.text(64)),
      );
      const strange =
        spec.kind === 'word'
          ? oneOf.find((value) => spec.values?.includes(value) !== true)
          : undefined;
      if (strange !== undefined)
        each.at('oneOf').fail(`has \`${strange}\`, and must be ${shape(spec)}`);
      return { fact, oneOf };
    });
  if (requires.length === 0) field.at('requires').fail('must require something');
  return {
    id: field.at('id').id(),
    text: field.at('text').text(),
    requires: sortedValues(requires),
  };
}

function refusedOf(field: Field): RefusedClass {
  field.object(['decision', 'when']);
  const when: Record<string, string> = {};
  for (const [name, value] of field.at('when').entries()) {
    const spec = factSpec(name);
    if (spec === undefined || (spec.kind !== 'word' && spec.kind !== 'name')) {
      value.fail('is no fact with one word as its value');
    }
    when[name] = value.text(64);
  }
  if (Object.keys(when).length === 0) field.at('when').fail('must name at least one fact');
  return { decision: field.at('decision').text(64), when: sortedMembers(when) };
}
