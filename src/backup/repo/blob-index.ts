import type { IndexedPack } from './wire/index-file.ts';
import type { BlobType, PackedBlob } from './wire/pack-header.ts';
import type { Id } from './wire/parse.ts';

/** A blob with the pack it lies in. */
export interface BlobPlace extends PackedBlob {
  readonly pack: Id;
}

const EMPTY = 0xffff_ffff;
/** Words of 32 bits an entry has: id 8, pack and type 1, offset, length, plain length. */
const WORDS = 12;
const PACK = 8;
const OFFSET = 9;
const LENGTH = 10;
const PLAIN = 11;
const TREE_BIT = 0x8000_0000;

/**
 * Which blobs there are and where: 48 bytes a blob in one typed array, and 8 in a table of slots,
 * so that a million blobs take some 70 MB and no garbage collector ever looks at them. The same
 * blob may be listed in several packs; each place has an entry of its own.
 */
export class BlobIndex {
  #entries = new Uint32Array(1024 * WORDS);
  #count = 0;
  /** Open addressing by the first word of the id; a power of two, at most two thirds full. */
  #slots = new Uint32Array(2048).fill(EMPTY);
  readonly #packs: Id[] = [];
  readonly #packNumbers = new Map<Id, number>();
  readonly #word = new Uint8Array(32);
  readonly #words = new DataView(this.#word.buffer);

  /** Blobs, counted once for each place. */
  get size(): number {
    return this.#count;
  }

  /** Packs that were added. */
  get packs(): readonly Id[] {
    return this.#packs;
  }

  hasPack(id: Id): boolean {
    return this.#packNumbers.has(id);
  }

  /** Adds a pack with its blobs; one that is known already is not added again. */
  add({ id, blobs }: IndexedPack): void {
    if (this.#packNumbers.has(id)) return;
    const pack = this.#packs.length;
    this.#packs.push(id);
    this.#packNumbers.set(id, pack);
    for (const blob of blobs) this.#insert(pack, blob);
  }

  #insert(pack: number, blob: PackedBlob): void {
    if ((this.#count + 1) * WORDS > this.#entries.length) {
      // Half as much again: doubling would waste a third of the memory of a large index.
      const grown = new Uint32Array(Math.ceil((this.#count * 3) / 2 + 1) * WORDS);
      grown.set(this.#entries);
      this.#entries = grown;
    }
    if ((this.#count + 1) * 3 > this.#slots.length * 2) this.#rehash(this.#slots.length * 2);
    const at = this.#count * WORDS;
    this.#read(blob.id);
    for (let word = 0; word < 8; word++) {
      this.#entries[at + word] = this.#words.getUint32(word * 4);
    }
    this.#entries[at + PACK] = pack + (blob.type === 'tree' ? TREE_BIT : 0);
    this.#entries[at + OFFSET] = blob.offset;
    this.#entries[at + LENGTH] = blob.length;
    this.#entries[at + PLAIN] = blob.plainLength;
    this.#place(this.#count);
    this.#count++;
  }

  #place(entry: number): void {
    const mask = this.#slots.length - 1;
    let slot = (this.#entries[entry * WORDS] as number) & mask;
    while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & mask;
    this.#slots[slot] = entry;
  }

  #rehash(size: number): void {
    this.#slots = new Uint32Array(size).fill(EMPTY);
    for (let entry = 0; entry < this.#count; entry++) this.#place(entry);
  }

  #read(id: Id): void {
    this.#word.setFromHex(id);
  }

  /** The entry at or behind a slot that has this id and type, with the slot after it. */
  #find(id: Id, type: BlobType, from?: number): { entry: number; next: number } | undefined {
    this.#read(id);
    const first = this.#words.getUint32(0);
    const mask = this.#slots.length - 1;
    const tree = type === 'tree';
    for (let slot = from ?? first & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot] as number;
      if (entry === EMPTY) return undefined;
      const at = entry * WORDS;
      if (this.#entries[at] !== first) continue;
      if ((this.#entries[at + PACK] as number) >= TREE_BIT !== tree) continue;
      let equal = true;
      for (let word = 1; word < 8 && equal; word++) {
        equal = this.#entries[at + word] === this.#words.getUint32(word * 4);
      }
      if (equal) return { entry, next: (slot + 1) & mask };
    }
  }

  has(id: Id, type: BlobType): boolean {
    return this.#find(id, type) !== undefined;
  }

  /** The entry of a blob, `undefined` when there is none: a number under `size`, for sets. */
  entryOf(id: Id, type: BlobType): number | undefined {
    return this.#find(id, type)?.entry;
  }

  /** Where a blob lies; the first place that was added when there are several. */
  find(id: Id, type: BlobType): BlobPlace | undefined {
    const found = this.#find(id, type);
    return found === undefined ? undefined : this.at(found.entry);
  }

  /** All places of a blob. */
  findAll(id: Id, type: BlobType): BlobPlace[] {
    const places: BlobPlace[] = [];
    for (let found = this.#find(id, type); found !== undefined;) {
      places.push(this.at(found.entry));
      found = this.#find(id, type, found.next);
    }
    return places;
  }

  /** Bytes of a blob before it was compressed, or `undefined` when there is no such blob. */
  plainLengthOf(id: Id, type: BlobType): number | undefined {
    const found = this.#find(id, type);
    if (found === undefined) return undefined;
    const at = found.entry * WORDS;
    const plain = this.#entries[at + PLAIN] as number;
    return plain === 0 ? (this.#entries[at + LENGTH] as number) - 32 : plain;
  }

  /** The place with a number under `size`. */
  at(entry: number): BlobPlace {
    const at = entry * WORDS;
    for (let word = 0; word < 8; word++) {
      this.#words.setUint32(word * 4, this.#entries[at + word] as number);
    }
    const pack = this.#entries[at + PACK] as number;
    return {
      id: this.#word.toHex(),
      type: pack >= TREE_BIT ? 'tree' : 'data',
      offset: this.#entries[at + OFFSET] as number,
      length: this.#entries[at + LENGTH] as number,
      plainLength: this.#entries[at + PLAIN] as number,
      pack: this.#packs[pack >= TREE_BIT ? pack - TREE_BIT : pack] as Id,
    };
  }

  /** The number of the pack that an entry lies in: its place in `packs`. */
  packNumberAt(entry: number): number {
    const pack = this.#entries[entry * WORDS + PACK] as number;
    return pack >= TREE_BIT ? pack - TREE_BIT : pack;
  }

  /** Every place, in the order of adding. */
  *[Symbol.iterator](): IterableIterator<BlobPlace> {
    for (let entry = 0; entry < this.#count; entry++) yield this.at(entry);
  }
}
