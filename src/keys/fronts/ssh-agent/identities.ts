import { randomBytes } from 'node:crypto';
import { equalBytes } from '../../../bytes/compare.ts';
import { concat, utf8 } from '../../../bytes/text.ts';
import type { AttributeReading, AttributeValue, Template } from '../../engine/attribute.ts';
import { CKA, CKO } from '../../engine/pkcs11.ts';
import type { Caller, KeysService, ObjectId } from '../../engine/request.ts';
import { KeysError } from '../../errors.ts';
import type { SshPrivateKey } from './private-key.ts';
import { sshKeyOf } from './public-key.ts';
import type { SshKey } from './public-key.ts';

/** A key that ssh may use. */
export interface Identity {
  readonly object: ObjectId;
  /** The name of the key. */
  readonly comment: Uint8Array;
  readonly key: SshKey;
  readonly confirm: boolean;
  /** Whether it came in through the agent: then `ssh-add -d` destroys it. */
  readonly added: boolean;
  readonly id: Uint8Array;
}

/** What `ssh-add` asks of a key. */
export interface Constraints {
  /** Seconds after which it is destroyed; it is then kept in memory alone. */
  readonly lifetime: number | undefined;
  readonly confirm: boolean;
}

/** How the CKA_ID of a key begins that came in through the agent. */
const MARK = utf8('ssh-add:');
const MAX_NAME = 200;
/** setTimeout knows no longer time. */
const LONGEST_TIMER = 2 ** 31 - 1;

const READ = [CKA.KEY_TYPE, CKA.EC_PARAMS, CKA.MODULUS, CKA.PUBLIC_EXPONENT, CKA.PUBLIC_KEY_INFO];
const NAMED = [CKA.LABEL, CKA.ID, CKA.LOCAL, CKA.STRONGROOM_CONFIRM];

/** The keys that the agent offers: those made for signing that SSH has a name for. */
export class Identities {
  readonly #service: KeysService;
  readonly #now: () => number;
  /** What SSH makes of an object never changes, and reading it is most of the work. */
  #known = new Map<ObjectId, SshKey | undefined>();
  /** Taken off the list by `ssh-add -d` or `-D`, and not destroyed: they were not added by it. */
  readonly #withheld = new Set<ObjectId>();
  readonly #expiry = new Map<ObjectId, { readonly at: number; readonly timer: NodeJS.Timeout }>();

  /** @param now milliseconds of a clock that also runs while the machine sleeps */
  constructor(service: KeysService, now: () => number) {
    this.#service = service;
    this.#now = now;
  }

  async list(caller: Caller): Promise<Identity[]> {
    return (await this.#all(caller)).filter(({ object }) => !this.#withheld.has(object));
  }

  /** Also those that are withheld. */
  async #all(caller: Caller): Promise<Identity[]> {
    const template = new Map<number, AttributeValue>([
      [CKA.CLASS, CKO.PRIVATE_KEY],
      [CKA.SIGN, true],
    ]);
    const objects = await this.#service.handle({ verb: 'find', template }, caller);
    const known = new Map<ObjectId, SshKey | undefined>();
    const found: Identity[] = [];
    for (const object of objects) {
      const expiry = this.#expiry.get(object);
      if (expiry !== undefined && expiry.at <= this.#now()) {
        await this.#destroy(object, caller);
        continue;
      }
      const key = this.#known.has(object)
        ? this.#known.get(object)
        : sshKeyOf(await this.#read(object, READ, caller));
      known.set(object, key);
      if (key !== undefined) found.push(await this.#identity(object, key, caller));
    }
    this.#known = known;
    return found;
  }

  async #identity(object: ObjectId, key: SshKey, caller: Caller): Promise<Identity> {
    const attributes = await this.#read(object, NAMED, caller);
    const id = bytes(attributes, CKA.ID);
    return {
      object,
      key,
      id,
      comment: bytes(attributes, CKA.LABEL),
      confirm: attributes.get(CKA.STRONGROOM_CONFIRM) === true,
      // The token alone says what was made inside: no mark makes such a key one to destroy.
      added: attributes.get(CKA.LOCAL) !== true && equalBytes(id.subarray(0, MARK.length), MARK),
    };
  }

  async #read(object: ObjectId, types: readonly number[], caller: Caller): Promise<Template> {
    const readings: readonly AttributeReading[] = await this.#service.handle(
      { verb: 'attributes', object, types },
      caller,
    );
    return new Map(
      readings.flatMap((each) => ('value' in each ? [[each.type, each.value] as const] : [])),
    );
  }

  async find(blob: Uint8Array, caller: Caller): Promise<Identity | undefined> {
    return (await this.list(caller)).find(({ key }) => equalBytes(key.blob, blob));
  }

  /**
   * Takes a key in. One that was added before is replaced; of one that is inside anyway only the
   * wish to be asked is taken over, and it is offered again if it was withheld.
   * @throws {KeysError} when the key is unsound, or a key that is to stay shall end
   */
  async add(
    added: SshPrivateKey,
    comment: Uint8Array,
    constraints: Constraints,
    caller: Caller,
  ): Promise<void> {
    const same = (await this.#all(caller)).filter(({ key }) => equalBytes(key.blob, added.blob));
    const inside = same.find((identity) => !identity.added);
    if (inside !== undefined) {
      await this.#keep(inside, constraints, caller);
      return;
    }
    const replaced = new Set(same.map(({ object }) => object));
    const name = await this.#freeName(comment, replaced, caller);
    const object = await this.#import(added, name, constraints, caller);
    for (const old of replaced) await this.#destroy(old, caller);
    if (constraints.lifetime !== undefined) {
      this.#expireAt(object, this.#now() + constraints.lifetime * 1000, caller);
    }
  }

  async #keep(inside: Identity, constraints: Constraints, caller: Caller): Promise<void> {
    if (constraints.lifetime !== undefined) {
      throw new KeysError('ACTION_PROHIBITED', 'this key is inside to stay and gets no lifetime');
    }
    if (constraints.confirm && !inside.confirm) {
      const template = new Map<number, AttributeValue>([[CKA.STRONGROOM_CONFIRM, true]]);
      await this.#service.handle({ verb: 'set', object: inside.object, template }, caller);
    }
    this.#withheld.delete(inside.object);
  }

  async #import(
    added: SshPrivateKey,
    name: Uint8Array,
    constraints: Constraints,
    caller: Caller,
  ): Promise<ObjectId> {
    const common: readonly [number, AttributeValue][] = [
      [CKA.TOKEN, constraints.lifetime === undefined],
      [CKA.LABEL, name],
      [CKA.ID, concat(MARK, randomBytes(8))],
      [CKA.STRONGROOM_PURPOSE, utf8('sign')],
    ];
    const object = await this.#service.handle(
      {
        verb: 'create',
        template: new Map<number, AttributeValue>([
          ...added.template,
          ...common,
          [CKA.CLASS, CKO.PRIVATE_KEY],
          [CKA.PRIVATE, true],
          [CKA.STRONGROOM_CONFIRM, constraints.confirm],
        ]),
      },
      caller,
    );
    try {
      const attributes = await this.#read(object, READ, caller);
      const key = sshKeyOf(attributes);
      if (key === undefined || !equalBytes(key.blob, added.blob)) {
        throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'the halves of this key do not fit');
      }
      const template = new Map<number, AttributeValue>([
        ...common,
        [CKA.CLASS, CKO.PUBLIC_KEY],
        [CKA.PRIVATE, false],
        [CKA.PUBLIC_KEY_INFO, bytes(attributes, CKA.PUBLIC_KEY_INFO)],
      ]);
      await this.#service.handle({ verb: 'create', template }, caller);
      return object;
    } catch (error) {
      await this.#service.handle({ verb: 'destroy', object }, caller);
      throw error;
    }
  }

  /** Destroys a key at a time, also when no timer waits so long in one piece. */
  #expireAt(object: ObjectId, at: number, caller: Caller): void {
    const timer = setTimeout(
      () => {
        if (this.#now() < at) this.#expireAt(object, at, caller);
        else this.#destroy(object, caller).catch(() => undefined);
      },
      Math.min(Math.max(at - this.#now(), 0), LONGEST_TIMER),
    );
    timer.unref();
    this.#expiry.set(object, { at, timer });
  }

  /** A name that no other key has: the comment, or the comment and a number. */
  async #freeName(
    comment: Uint8Array,
    replaced: ReadonlySet<ObjectId>,
    caller: Caller,
  ): Promise<Uint8Array> {
    const text = Buffer.from(comment)
      .toString('utf8')
      .replaceAll(/\p{Cc}|\uFFFD/gu, '')
      .trim();
    const ids = new Set<string>();
    for (const object of replaced) ids.add((await this.#idOf(object, caller)).toHex());
    for (let number = 1; ; number++) {
      const tail = number === 1 ? '' : ` ${number}`;
      const name = cut(text === '' ? 'ssh key' : text, MAX_NAME - tail.length) + tail;
      const template = new Map<number, AttributeValue>([[CKA.LABEL, utf8(name)]]);
      const holders = await this.#service.handle({ verb: 'find', template }, caller);
      let free = true;
      for (const holder of holders) {
        if (!ids.has((await this.#idOf(holder, caller)).toHex())) free = false;
      }
      if (free) return utf8(name);
    }
  }

  async #idOf(object: ObjectId, caller: Caller): Promise<Uint8Array> {
    return bytes(await this.#read(object, [CKA.ID], caller), CKA.ID);
  }

  /** Destroys what was added; takes everything else off the list. @returns whether there was such a key */
  async remove(blob: Uint8Array, caller: Caller): Promise<boolean> {
    const identity = await this.find(blob, caller);
    if (identity === undefined) return false;
    await this.#remove(identity, caller);
    return true;
  }

  async removeAll(caller: Caller): Promise<void> {
    for (const identity of await this.list(caller)) await this.#remove(identity, caller);
  }

  async #remove(identity: Identity, caller: Caller): Promise<void> {
    if (identity.added) await this.#destroy(identity.object, caller);
    else this.#withheld.add(identity.object);
  }

  /** Offers again what was taken off the list. */
  offerAll(): void {
    this.#withheld.clear();
  }

  /** The private half first: what is left of a destruction cut off cannot sign. */
  async #destroy(object: ObjectId, caller: Caller): Promise<void> {
    const expiry = this.#expiry.get(object);
    clearTimeout(expiry?.timer);
    this.#expiry.delete(object);
    const attributes = await this.#read(object, [CKA.ID, CKA.LABEL, CKA.TOKEN], caller);
    await this.#service.handle({ verb: 'destroy', object }, caller);
    const template = new Map<number, AttributeValue>([...attributes, [CKA.CLASS, CKO.PUBLIC_KEY]]);
    for (const half of await this.#service.handle({ verb: 'find', template }, caller)) {
      await this.#service.handle({ verb: 'destroy', object: half }, caller);
    }
  }
}

function bytes(attributes: Template, type: number): Uint8Array {
  const value = attributes.get(type);
  return value instanceof Uint8Array ? value : new Uint8Array();
}

/** The longest beginning of a text that has so many bytes at the most. */
function cut(text: string, most: number): string {
  let end = text;
  while (utf8(end).length > most) end = end.slice(0, -1);
  return end;
}
