import { fieldOf, readDocument } from '../model/document.ts';
import type { Field } from '../model/document.ts';
import { byCodeUnits } from '../model/order.ts';
import { PURPOSES } from '../model/question.ts';
import type { FactValue } from '../model/question.ts';
import { readText } from '../model/text.ts';
import type { Text } from '../model/text.ts';
import type { Catalogue, Fact, Service } from './catalogue.ts';
import { factSpec, fits, shape } from './vocabulary.ts';
import type { FactSpec } from './vocabulary.ts';

const CODE = 'CATALOGUE_INVALID';

/**
 * Reads a catalogue of one's own from JSON or YAML and lays it over `base`: new services are added,
 * facts of the same service, setting and name are replaced. What is left out: `setting` `*`,
 * `checkedBy` `you`, `expires` twelve months after `asOf`.
 * @throws {DecisionsError} CATALOGUE_INVALID, naming the line and the field
 */
export function readCatalogue(text: string, name: string, base: Catalogue): Catalogue {
  return overlay(readDocument(text, name, CODE), base);
}

/** Checks a whole catalogue that is already a value. @throws {DecisionsError} CATALOGUE_INVALID */
export function checkCatalogue(value: unknown, name: string): Catalogue {
  return overlay(fieldOf(value, name, CODE), undefined);
}

function overlay(field: Field, base: Catalogue | undefined): Catalogue {
  field.object(['format', 'name', 'version', 'services', 'facts']);
  if (field.at('format').value !== 1) field.at('format').fail('must be 1');
  const services = new Map((base?.services ?? []).map((each) => [each.id, each]));
  for (const each of field.at('services').list()) {
    const service = serviceOf(each);
    if (services.has(service.id)) {
      each.at('id').fail(`is there already: \`${service.id}\``, 'give facts for it, or another id');
    }
    services.set(service.id, service);
  }
  const facts = new Map((base?.facts ?? []).map((each) => [keyOf(each), each]));
  const here = new Set<string>();
  for (const each of field.at('facts').list(10_000)) {
    const fact = factOf(each, [...services.values()]);
    const key = keyOf(fact);
    if (here.has(key)) each.at('fact').fail('is stated twice');
    if (facts.get(key)?.fixed === true) {
      each.at('fact').fail(`of \`${fact.service}\` cannot be replaced`);
    }
    here.add(key);
    facts.set(key, fact);
  }
  const text = (member: string, otherwise: string): string =>
    field.at(member).missing ? otherwise : field.at(member).text(64);
  const [name, version] = [text('name', 'own'), text('version', '1')];
  return {
    format: 1,
    name: base === undefined ? name : `${base.name} + ${name}`,
    version: base === undefined ? version : `${base.version} + ${version}`,
    services: [...services.values()].sort((one, other) => byCodeUnits(one.id, other.id)),
    facts: [...facts.values()].sort((one, other) => byCodeUnits(keyOf(one), keyOf(other))),
  };
}

function keyOf(fact: Fact): string {
  return `${fact.service} ${fact.setting} ${fact.fact}`;
}

function serviceOf(field: Field): Service {
  field.object(['id', 'service', 'setting', 'purposes', 'name']);
  const id = field.at('id').id();
  const purposes = field.at('purposes').oneOrMore(5);
  return {
    id,
    service: field.at('service').missing ? id : field.at('service').id(),
    setting: field.at('setting').missing ? 'default' : field.at('setting').id(),
    purposes: purposes.map((each) => each.oneOf(PURPOSES)),
    name: eitherText(field.at('name')),
  };
}

/** A text in one language stands for both. */
function eitherText(field: Field): Text {
  if (typeof field.value !== 'string') return readText(field);
  const text = field.text();
  return { en: text, ja: text };
}

function factOf(field: Field, services: readonly Service[]): Fact {
  field.object([
    'service',
    'setting',
    'fact',
    'value',
    'source',
    'asOf',
    'checkedBy',
    'expires',
    'fixed',
  ]);
  const service = field.at('service').id();
  const family = services.filter((each) => each.service === service);
  if (family.length === 0) {
    field.at('service').fail(`is \`${service}\`, which is no service here`);
  }
  const setting = field.at('setting').missing ? '*' : field.at('setting').text(64);
  if (setting !== '*' && !family.some((each) => each.setting === setting)) {
    field
      .at('setting')
      .fail(
        `is \`${setting}\`, and must be one of: *, ${family.map((each) => each.setting).join(', ')}`,
      );
  }
  const fact = field.at('fact').text(64);
  const spec = factSpec(fact);
  if (spec === undefined) {
    return field
      .at('fact')
      .fail(`is \`${fact}\`, which is no fact`, 'strongroom decide catalogue --facts lists them');
  }
  const asOf = field.at('asOf').day();
  const expires = field.at('expires').missing ? inTwelveMonths(asOf) : field.at('expires').day();
  if (expires < asOf) field.at('expires').fail('is before `asOf`');
  const fixed = field.at('fixed').flag(false);
  return {
    service,
    setting,
    fact,
    value: valueOf(field.at('value'), spec),
    source: field.at('source').text(),
    asOf,
    checkedBy: field.at('checkedBy').missing ? 'you' : field.at('checkedBy').text(),
    expires,
    fixed,
  };
}

function valueOf(field: Field, spec: FactSpec): FactValue | Text {
  if (spec.kind === 'text') return field.value === 'unknown' ? 'unknown' : eitherText(field);
  return readFactValue(field, spec);
}

/** Reads the value of a fact that the adviser looks at. */
export function readFactValue(field: Field, spec: FactSpec): FactValue {
  const { value } = field;
  if (field.missing) return field.fail('is missing');
  if (value === 'unknown') return 'unknown';
  const plain = value === true ? 'yes' : value === false ? 'no' : value;
  const list = Array.isArray(plain) ? (plain as readonly unknown[]) : undefined;
  if (list !== undefined && !list.every((each) => typeof each === 'string')) {
    return field.fail(`must be ${shape(spec)}`);
  }
  const candidate = (
    list === undefined ? plain : [...new Set(list)].sort(byCodeUnits)
  ) as FactValue;
  return fits(spec, candidate) ? candidate : field.fail(`must be ${shape(spec)}`);
}

/** The same day a year later; the 29th of February becomes the 28th. */
export function inTwelveMonths(day: string): string {
  const later = `${String(Number(day.slice(0, 4)) + 1).padStart(4, '0')}${day.slice(4)}`;
  return later.endsWith('-02-29') ? `${later.slice(0, 4)}-02-28` : later;
}
