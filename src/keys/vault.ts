import type { KeyObject } from 'node:crypto';
import { randomBytes } from 'node:crypto';
import { Reader } from '../bytes/reader.ts';
import { Writer } from '../bytes/writer.ts';
import { reasonOf } from '../errors.ts';
import type { DigestSigner } from './engine/mechanism/raw.ts';
import { Objects } from './engine/objects.ts';
import type { Confirm, KeysEvent, Permit } from './engine/permit.ts';
import { testedRandom } from './engine/random.ts';
import type {
  ActiveOperation,
  BeginRequest,
  Caller,
  KeysRequest,
  KeysService,
  ReplyTo,
  TokenInfo,
  TokenService,
} from './engine/request.ts';
import { runSelfTests } from './engine/self-test.ts';
import { Keys } from './engine/service.ts';
import { Token } from './engine/token.ts';
import { KeysError } from './errors.ts';
import type { Store } from './store/store.ts';

/** The record that holds the token's own state, beside the objects. */
export const TOKEN_RECORD = 'token';
/** How many passphrases had been tried when one opened the store last. */
const SEAL_RECORD = 'seal';
const OBJECT_ID = /^[0-9a-f]{32}$/;

export interface VaultOptions {
  /** Opens the store with the master key; called at every unlocking. */
  readonly openStore: (masterKey: KeyObject) => Store;
  readonly permit: Permit;
  readonly confirm: Confirm;
  readonly wait: (milliseconds: number) => Promise<void>;
  readonly digests: DigestSigner & { forget(key: KeyObject): void };
}

interface OpenVault {
  readonly keys: Keys;
  readonly store: Store;
  readonly objects: Objects;
  /** Passphrases tried until the last right one; 0 where none ever was. */
  readonly tries: number;
}

/**
 * The engine that can be locked: fronts hold it for the life of the process while the master key
 * comes and goes. Locking drops every key object and the master key.
 */
export class Vault implements KeysService {
  readonly #options: VaultOptions;
  #open: OpenVault | undefined;
  #failure: string | undefined;
  #epoch = 0;
  #served = 0;
  #refused = 0;
  #selfTests: { count: number; milliseconds: number } | undefined;

  constructor(options: VaultOptions) {
    this.#options = options;
  }

  /** Known answers of every mechanism and the health of the random source, before any key is used. */
  runSelfTests(): void {
    const started = performance.now();
    try {
      const count = runSelfTests(this.#options.digests);
      this.#selfTests = { count, milliseconds: Math.round(performance.now() - started) };
    } catch (error) {
      this.#failure = reasonOf(error);
      throw error;
    }
  }

  /**
   * Opens the store with the master key.
   * @throws {StoreError} when the store was tampered with; {KeysError} when a self-test failed
   */
  unlock(masterKey: KeyObject): void {
    if (this.#open !== undefined) return;
    if (this.#selfTests === undefined) this.#throwFailed();
    const store = this.#options.openStore(masterKey);
    try {
      this.#open = this.#load(store);
      this.#failure = undefined;
    } catch (error) {
      store.close();
      throw error;
    }
  }

  /**
   * Keeps in the store how many passphrases were ever tried.
   * @returns whether fewer than the store remembers: an older seal was put back
   */
  noteTries(tries: number): boolean {
    if (this.#open === undefined) return false;
    const body = new Writer(8).u64(BigInt(tries)).finish();
    this.#open.store.commit({ put: [{ id: SEAL_RECORD, body }], remove: [] });
    return tries <= this.#open.tries;
  }

  /** Remembers why the store could not be opened, for `status`. */
  failed(reason: string): void {
    this.#failure = reason;
  }

  lock(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    this.#epoch++;
    open.keys.stop('locked');
    open.objects.forgetAll();
    open.store.close();
  }

  #load(store: Store): OpenVault {
    let tokenBody: Uint8Array | undefined;
    let tries = 0;
    const records: { id: string; body: Uint8Array }[] = [];
    for (const record of store.records()) {
      if (record.id === TOKEN_RECORD) tokenBody = record.body;
      else if (record.id === SEAL_RECORD) tries = Number(new Reader(record.body).u64());
      else if (OBJECT_ID.test(record.id)) records.push(record);
    }
    if (tokenBody === undefined) {
      throw new KeysError('DEVICE_ERROR', 'the store holds no token', {
        mend: 'make one with `strongroom init`',
      });
    }
    const objects = new Objects(store, records, (key) => this.#options.digests.forget(key));
    const token = new Token(tokenBody, {
      persist: (body) => store.commit({ put: [{ id: TOKEN_RECORD, body }], remove: [] }),
      destroyAll: () => objects.remove(objects.all(() => true)),
      count: () => objects.count(),
      wait: this.#options.wait,
    });
    const { digests } = this.#options;
    const keys = new Keys({
      objects,
      token,
      permit: this.#options.permit,
      confirm: this.#options.confirm,
      record: (event) => this.#record(event),
      digests,
      random: testedRandom(
        (length) => randomBytes(length),
        (reason) => {
          this.#failure = reason;
          keys.stop('failed');
        },
      ),
    });
    return { keys, store, objects, tries };
  }

  #record(event: KeysEvent): void {
    if (event.refused === undefined) this.#served++;
    else this.#refused++;
  }

  #throwFailed(): never {
    throw new KeysError(
      'DEVICE_ERROR',
      `no key is used: ${this.#failure ?? 'self-tests did not run'}`,
      {
        duty: 'internal',
        mend: 'restart the strongroom; if it goes on, this machine or this build is broken',
      },
    );
  }

  #keys(): Keys {
    if (this.#open !== undefined) return this.#open.keys;
    if (this.#selfTests === undefined) this.#throwFailed();
    throw new KeysError('TOKEN_NOT_PRESENT', 'the strongroom is locked', {
      duty: 'locked',
      mend: 'strongroom unlock',
    });
  }

  get state(): 'operational' | 'locked' | 'failed' {
    if (this.#open !== undefined) return this.#open.keys.state;
    return this.#failure === undefined ? 'locked' : 'failed';
  }

  get facts(): {
    readonly failure: string | undefined;
    readonly objects: number;
    readonly generation: number | undefined;
    readonly served: number;
    readonly refused: number;
    readonly selfTests: { count: number; milliseconds: number } | undefined;
  } {
    return {
      failure: this.#failure,
      objects: this.#open?.objects.size ?? 0,
      generation: this.#open?.store.generation,
      served: this.#served,
      refused: this.#refused,
      selfTests: this.#selfTests,
    };
  }

  handle<Request extends KeysRequest>(
    request: Request,
    caller: Caller,
  ): ReplyTo<Request> | Promise<ReplyTo<Request>> {
    return this.#keys().handle(request, caller);
  }

  begin(request: BeginRequest, caller: Caller): ActiveOperation {
    return this.#keys().begin(request, caller);
  }

  get epoch(): number {
    return this.#epoch;
  }

  endScope(scope: string): void {
    this.#open?.keys.endScope(scope);
  }

  readonly token: TokenService = {
    info: (): TokenInfo => this.#keys().token.info(),
    login: (role, pin) => this.#keys().token.login(role, pin),
    setPin: (role, oldPin, newPin) => this.#keys().token.setPin(role, oldPin, newPin),
    initPin: (newPin) => this.#keys().token.initPin(newPin),
    initToken: (pin, label) => this.#keys().token.initToken(pin, label),
  };
}
