import { createHash } from 'node:crypto';
import { utf8 } from '../../bytes/text.ts';

/** What the digest knows of a record: the tag stands for its sealed body. */
export interface RecordMark {
  readonly version: number;
  readonly tag: Uint8Array;
}

/** A change that was counted through but not yet made. */
export interface PlannedChange {
  readonly digest: Uint8Array;
  apply(): void;
}

const BUCKETS = 256;
const LABEL = utf8('strongroom records 1');

/** Ids are random hex digits, so that their first two spread them evenly; other names share one. */
function bucketOf(id: string): number {
  const number = Number.parseInt(id.slice(0, 2), 16);
  return Number.isNaN(number) ? 0 : number % BUCKETS;
}

function digestOfBucket(bucket: ReadonlyMap<string, RecordMark>): Uint8Array {
  const hash = createHash('sha256');
  for (const [id, { version, tag }] of [...bucket].sort((a, b) => (a[0] < b[0] ? -1 : 1))) {
    hash.update(`${id.length}:${id}:${version}:`);
    hash.update(tag);
  }
  return hash.digest();
}

function rootOf(buckets: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256').update(LABEL);
  for (const each of buckets) hash.update(each);
  return hash.digest();
}

/**
 * SHA-256 over id, version and tag of every record, as a hash tree of two levels: a commit costs its
 * own buckets, not the whole store.
 */
export class RecordDigest {
  readonly #buckets: Map<string, RecordMark>[];
  readonly #digests: Uint8Array[];

  constructor(records: Iterable<readonly [string, RecordMark]> = []) {
    this.#buckets = Array.from({ length: BUCKETS }, () => new Map<string, RecordMark>());
    for (const [id, mark] of records) this.#buckets[bucketOf(id)]?.set(id, mark);
    this.#digests = this.#buckets.map((bucket) => digestOfBucket(bucket));
  }

  get root(): Uint8Array {
    return rootOf(this.#digests);
  }

  get(id: string): RecordMark | undefined {
    return this.#buckets[bucketOf(id)]?.get(id);
  }

  /** The digest that a change leads to. */
  plan(put: ReadonlyMap<string, RecordMark>, remove: readonly string[]): PlannedChange {
    const changed = new Map<number, Map<string, RecordMark>>();
    const bucket = (id: string): Map<string, RecordMark> => {
      const number = bucketOf(id);
      const copy = changed.get(number) ?? new Map(this.#buckets[number]);
      changed.set(number, copy);
      return copy;
    };
    for (const [id, mark] of put) bucket(id).set(id, mark);
    for (const id of remove) bucket(id).delete(id);
    const digests = [...this.#digests];
    for (const [number, each] of changed) digests[number] = digestOfBucket(each);
    return {
      digest: rootOf(digests),
      apply: () => {
        for (const [number, each] of changed) {
          this.#buckets[number] = each;
          this.#digests[number] = digests[number] as Uint8Array;
        }
      },
    };
  }
}
