import type { FactValue, Purpose } from '../model/question.ts';
import type { Text } from '../model/text.ts';

/** Something that can be chosen: a service with one of its settings, or a host. */
export interface Service {
  /** What options, records and the gate call it: `icloud-standard`. */
  readonly id: string;
  /** The family it belongs to, `icloud`, and its setting, `standard`. */
  readonly service: string;
  readonly setting: string;
  readonly purposes: readonly Purpose[];
  readonly name: Text;
}

/** One dated, sourced statement about a service. */
export interface Fact {
  readonly service: string;
  /** `*`: of every setting. A fact of one setting goes before it. */
  readonly setting: string;
  /** What it is about: an entry of `FACTS`. */
  readonly fact: string;
  /** `unknown` is a value. A `Text` is for people only. */
  readonly value: FactValue | Text;
  readonly source: string;
  /** The day the source tells of. */
  readonly asOf: string;
  readonly checkedBy: string;
  /** The last day it is believed; afterwards it is unknown. */
  readonly expires: string;
  /** Cannot be replaced by a catalogue of one's own, nor by a question. */
  readonly fixed: boolean;
}

export interface Catalogue {
  readonly format: 1;
  readonly name: string;
  readonly version: string;
  readonly services: readonly Service[];
  readonly facts: readonly Fact[];
}

/** What the key of a fact is in lists and answers: `icloud-adp:offered:GB`. */
export function factKey(serviceId: string, fact: string): string {
  return `${serviceId}:${fact}`;
}

/** A catalogue with its facts by service, made once. */
export interface CatalogueIndex {
  service(id: string): Service | undefined;
  /** The fact of a setting, else of its family. */
  fact(service: Service, fact: string): Fact | undefined;
  /** The facts `offered:…` of a service, sorted. */
  offered(service: Service): readonly string[];
}

const indexes = new WeakMap<Catalogue, CatalogueIndex>();

/** The look-up of a catalogue; made at the first call. */
export function indexOf(catalogue: Catalogue): CatalogueIndex {
  const known = indexes.get(catalogue);
  if (known !== undefined) return known;
  const services = new Map(catalogue.services.map((each) => [each.id, each]));
  const families = new Map<string, Fact[]>();
  for (const fact of catalogue.facts) {
    const family = families.get(fact.service);
    if (family === undefined) families.set(fact.service, [fact]);
    else family.push(fact);
  }
  const facts = new Map<string, ReadonlyMap<string, Fact>>();
  for (const { id, service, setting } of catalogue.services) {
    const family = families.get(service) ?? [];
    // Those of the setting come last and replace those of the family.
    const sorted = [...of(family, '*'), ...of(family, setting)];
    facts.set(id, new Map(sorted.map((fact) => [fact.fact, fact])));
  }
  const offers = new Map<string, Set<string>>();
  for (const { service, fact } of catalogue.facts) {
    if (!fact.startsWith('offered:')) continue;
    const list = offers.get(service) ?? new Set();
    offers.set(service, list.add(fact));
  }
  const index: CatalogueIndex = {
    service: (id) => services.get(id),
    fact: (service, fact) => facts.get(service.id)?.get(fact),
    offered: (service) => [...(offers.get(service.service) ?? [])].sort(),
  };
  indexes.set(catalogue, index);
  return index;
}

function of(family: readonly Fact[], setting: string): readonly Fact[] {
  return family.filter((fact) => fact.setting === setting);
}

/** Whether a fact is past its last day. Days are compared as text: `2026-11-25`. */
export function isExpired(fact: Fact, now: string): boolean {
  return fact.expires < now;
}

/** The facts whose last day has passed, oldest first (`decide review`). */
export function expiredFacts(catalogue: Catalogue, now: string): readonly Fact[] {
  return catalogue.facts
    .filter((fact) => isExpired(fact, now))
    .sort((one, other) => (one.expires < other.expires ? -1 : one.expires > other.expires ? 1 : 0));
}
