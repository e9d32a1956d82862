import { factKey, isExpired } from '../catalogue/catalogue.ts';
import type { CatalogueIndex, Service } from '../catalogue/catalogue.ts';
import type { Device, FactValue, Party, Question, Use } from '../model/question.ts';

/** One fact set to a value for a what-if: how the verdict would be. */
export interface Supposed {
  readonly key: string;
  readonly value: FactValue;
}

/** What was read while an option was judged. */
export interface Ledger {
  /** Keys of facts nobody knows. */
  readonly unknown: Set<string>;
  /** Keys of catalogue facts past their day; they are among the unknown too. */
  readonly expired: Set<string>;
  /** The first day a fact that was used expires. */
  expires: string | undefined;
}

export function newLedger(): Ledger {
  return { unknown: new Set(), expired: new Set(), expires: undefined };
}

/** Everything an option's facts are read from. */
export interface Sources {
  readonly question: Question;
  readonly index: CatalogueIndex;
  /** A day, `2026-11-25`. */
  readonly now: string;
  readonly supposed?: Supposed;
}

/**
 * The facts of one use of a service: said in the question, else in the catalogue, else supposed.
 * `undefined` is unknown, and what was asked for and not known goes into the ledger: a fact that
 * nobody asked for cannot matter.
 */
export class Facts {
  readonly use: Use;
  readonly sources: Sources;
  readonly ledger: Ledger;
  /** What its keys begin with: the id of the service, or of an option that has none. */
  readonly ref: string;
  readonly service: Service | undefined;
  #family: string | undefined;

  constructor(use: Use, ref: string, sources: Sources, ledger: Ledger) {
    this.use = use;
    this.sources = sources;
    this.ledger = ledger;
    this.service = use.service === undefined ? undefined : sources.index.service(use.service);
    this.ref = this.service?.id ?? ref;
  }

  /** What the parts of a split have in common: the same family of services, run by the same people. */
  get family(): string {
    if (this.#family !== undefined) return this.#family;
    // Asked for on the side: who runs it matters only where something is split, and is asked there.
    const aside = new Facts(this.use, this.ref, this.sources, newLedger());
    const operator = aside.list('operator')?.join('+') ?? 'unknown';
    this.#family = `${this.service?.service ?? this.ref} ${operator}`;
    return this.#family;
  }

  /** A word, or `undefined`. `otherwise` is what nobody stating it means. */
  word(fact: string, otherwise?: string): string | undefined {
    const value = this.#value(fact, otherwise);
    return typeof value === 'string' ? value : undefined;
  }

  list(fact: string): readonly string[] | undefined {
    const value = this.#value(fact, undefined);
    return typeof value === 'object' ? value : undefined;
  }

  /** Effort or cost; the highest where nobody knows. Changes no verdict, so it is never unknown. */
  level(fact: string): number {
    const said = this.use.facts[fact];
    if (typeof said === 'number') return said;
    const known = this.service && this.sources.index.fact(this.service, fact);
    return typeof known?.value === 'number' ? known.value : fact === 'effort' ? 3 : 0;
  }

  /** A fact about a device, a party or an end that only the person can tell. */
  personal<Value extends FactValue>(key: string, said: Value | 'unknown'): Value | undefined {
    return said === 'unknown' ? (this.#suppose(key) as Value | undefined) : said;
  }

  residence(party: Party): string | undefined {
    return this.personal(`${party.id}:residence`, party.residence);
  }

  /** Whether the party is known to be a citizen. */
  isCitizen(party: Party, country: string): boolean {
    const countries = this.personal<FactValue>(`${party.id}:citizenships`, party.citizenships);
    return Array.isArray(countries) && countries.includes(country);
  }

  device(id: string): Device {
    const device = this.sources.question.devices.find((each) => each.id === id);
    if (device === undefined) throw new RangeError(`no device ${id}`);
    return device;
  }

  owner(device: Device): Party {
    const party = this.sources.question.parties.find((each) => each.id === device.owner);
    if (party === undefined) throw new RangeError(`no party ${device.owner}`);
    return party;
  }

  #value(fact: string, otherwise: string | undefined): FactValue | undefined {
    const { index, now } = this.sources;
    const key = factKey(this.ref, fact);
    const said = this.use.facts[fact];
    if (said !== undefined && said !== 'unknown') return said;
    const known =
      said === undefined && this.service !== undefined ? index.fact(this.service, fact) : undefined;
    if (known !== undefined && isExpired(known, now)) {
      this.ledger.expired.add(key);
    } else if (known !== undefined) {
      const { value } = known;
      // A text for people is no value for the adviser.
      if (value !== 'unknown' && (typeof value !== 'object' || Array.isArray(value))) {
        if (this.ledger.expires === undefined || known.expires < this.ledger.expires) {
          this.ledger.expires = known.expires;
        }
        return value as FactValue;
      }
    } else if (said === undefined && otherwise !== undefined) {
      return otherwise;
    }
    return this.#suppose(key);
  }

  /** What nobody knows: supposed to be something for a what-if, else unknown. */
  #suppose(key: string): FactValue | undefined {
    const { supposed } = this.sources;
    if (supposed?.key === key) return supposed.value;
    this.ledger.unknown.add(key);
    return undefined;
  }
}
