import type { Account } from './accounts.ts';
import type { Storage } from './storage.ts';

/** What each account's folders hold, counted once and then kept by what is added and removed. */
export class Quotas {
  readonly #storage: Storage;
  readonly #used = new Map<string, Promise<{ bytes: number }>>();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  #usage(account: Account): Promise<{ bytes: number }> {
    const known = this.#used.get(account.name);
    if (known !== undefined) return known;
    const counted = this.#count(account);
    this.#used.set(account.name, counted);
    counted.catch(() => this.#used.delete(account.name));
    return counted;
  }

  async #count(account: Account): Promise<{ bytes: number }> {
    let bytes = 0;
    for (const folder of account.folders) {
      for (const path of await this.#storage.repositories(folder)) {
        bytes += await this.#storage.usage(path);
      }
    }
    return { bytes };
  }

  /**
   * Reserves room for an object before its body is read.
   * @returns what gives the room back when the object was not written, or `undefined` when there
   * is no room
   */
  async reserve(account: Account, bytes: number): Promise<(() => void) | undefined> {
    if (account.quota === undefined) return () => undefined;
    const usage = await this.#usage(account);
    if (usage.bytes + bytes > account.quota) return undefined;
    usage.bytes += bytes;
    return () => {
      usage.bytes -= bytes;
    };
  }

  /** After an object was removed. */
  async release(account: Account, bytes: number): Promise<void> {
    if (account.quota === undefined) return;
    (await this.#usage(account)).bytes -= bytes;
  }
}
