/** A record as the engine sees it: clear bytes, to be wiped by whoever is done with them. */
export interface StoredRecord {
  /** 32 lower-case hex digits, or a reserved name such as `token`. */
  readonly id: string;
  /** Rises by one with every write of this record. */
  readonly version: number;
  readonly body: Uint8Array;
}

/** Writes and removals that happen together or not at all. */
export interface Change {
  readonly put: readonly { readonly id: string; readonly body: Uint8Array }[];
  readonly remove: readonly string[];
}

/**
 * Where records live. `records` and `commit` are synchronous: the key process has one thread, and
 * what it answers must already be on disk.
 */
export interface Store {
  /** Rises by one with every commit, for the life of the store: a lower one than seen before means
   * that an older folder was put back. */
  readonly generation: number;
  /**
   * Every record, opened and checked.
   * @throws {StoreError} when anything was edited, swapped, removed or rolled back
   */
  records(): Iterable<StoredRecord>;
  /**
   * Applies a change; durable when it returns. Removing what is not there is an error.
   * @throws {StoreError} STORE_NO_RECORD and changes nothing; STORE_WRITE_FAILED, after which the
   *   change is there or is not when the store is opened next, and this one takes no more changes
   */
  commit(change: Change): void;
  /**
   * Leaves the store in its resting form. A store that was not closed opens all the same.
   * @throws {StoreError} STORE_WRITE_FAILED; nothing is lost
   */
  close(): void;
}
