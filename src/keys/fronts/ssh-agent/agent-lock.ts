import { fromUtf8, utf8 } from '../../../bytes/text.ts';
import type { AttributeValue } from '../../engine/attribute.ts';
import { hashPin, matchesPin } from '../../engine/pin.ts';
import type { PinHash } from '../../engine/pin.ts';
import { CKA, CKO } from '../../engine/pkcs11.ts';
import type { Caller, KeysService, ObjectId } from '../../engine/request.ts';

/** The stored object that says that the agent is locked, and with what. */
const LABEL = utf8('ssh-agent lock');
const APPLICATION = utf8('strongroom');

const FIRST_DELAY = 100;
const LONGEST_DELAY = 10_000;

/**
 * `ssh-add -x` and `-X`: while it is locked the agent shows and uses nothing. The lock is an object
 * of the sealed store, so that it outlives a restart; its passphrase is kept as argon2id makes it.
 */
export class AgentLock {
  readonly #service: KeysService;
  readonly #wait: (milliseconds: number) => Promise<void>;
  /** What the store said in this epoch; the keys may have been locked away and come back since. */
  #known: { readonly epoch: number; readonly object: ObjectId | undefined } | undefined;
  #failures = 0;
  /** One try after the other: parallel guesses wait for each other. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(service: KeysService, wait: (milliseconds: number) => Promise<void>) {
    this.#service = service;
    this.#wait = wait;
  }

  /** @throws {KeysError} TOKEN_NOT_PRESENT while the strongroom itself is locked */
  async isLocked(caller: Caller): Promise<boolean> {
    return (await this.#object(caller)) !== undefined;
  }

  async #object(caller: Caller): Promise<ObjectId | undefined> {
    const { epoch } = this.#service;
    if (this.#known?.epoch === epoch) return this.#known.object;
    const template = new Map<number, AttributeValue>([
      [CKA.CLASS, CKO.DATA],
      [CKA.LABEL, LABEL],
      [CKA.APPLICATION, APPLICATION],
    ]);
    const [object] = await this.#service.handle({ verb: 'find', template }, caller);
    this.#known = { epoch, object };
    return object;
  }

  /** @returns whether it is locked now with this passphrase: not when it was locked already */
  lock(passphrase: Uint8Array, caller: Caller): Promise<boolean> {
    return this.#enqueue(async () => {
      if (await this.isLocked(caller)) return false;
      const { epoch } = this.#service;
      const template = new Map<number, AttributeValue>([
        [CKA.CLASS, CKO.DATA],
        [CKA.TOKEN, true],
        [CKA.PRIVATE, true],
        [CKA.LABEL, LABEL],
        [CKA.APPLICATION, APPLICATION],
        [CKA.VALUE, utf8(JSON.stringify(await hashPin(passphrase)))],
      ]);
      const object = await this.#service.handle({ verb: 'create', template }, caller);
      this.#known = { epoch, object };
      return true;
    });
  }

  /** @returns whether the passphrase was right; each wrong one waits longer than the one before */
  unlock(passphrase: Uint8Array, caller: Caller): Promise<boolean> {
    return this.#enqueue(async () => {
      const object = await this.#object(caller);
      if (object === undefined) return false;
      const [reading] = await this.#service.handle(
        { verb: 'attributes', object, types: [CKA.VALUE] },
        caller,
      );
      const value = reading !== undefined && 'value' in reading ? reading.value : undefined;
      if (!(value instanceof Uint8Array)) return false;
      if (!(await matchesPin(passphrase, JSON.parse(fromUtf8(value)) as PinHash))) {
        await this.#wait(Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#failures));
        this.#failures++;
        return false;
      }
      await this.#service.handle({ verb: 'destroy', object }, caller);
      this.#failures = 0;
      this.#known = undefined;
      return true;
    });
  }

  #enqueue(work: () => Promise<boolean>): Promise<boolean> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}
