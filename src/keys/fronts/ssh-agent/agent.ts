import { randomUUID } from 'node:crypto';
import { BytesError, Reader } from '../../../bytes/reader.ts';
import { concat } from '../../../bytes/text.ts';
import { Writer } from '../../../bytes/writer.ts';
import type { Caller, KeysService } from '../../engine/request.ts';
import { StrongroomError } from '../../../errors.ts';
import { KeysError } from '../../errors.ts';
import { AgentLock } from './agent-lock.ts';
import { CONSTRAINT, MAX_MESSAGE, MESSAGE, message, sshString, textOf } from './frame.ts';
import { Identities } from './identities.ts';
import type { Constraints } from './identities.ts';
import { occasionOf } from './occasion.ts';
import { readSshPrivateKey } from './private-key.ts';
import { SESSION_BIND, SessionBindings } from './session-bind.ts';

export interface AgentOptions {
  readonly service: KeysService;
  /** Waits; the delay after a wrong passphrase of `ssh-add -X`. */
  readonly wait: (milliseconds: number) => Promise<void>;
  /** Milliseconds of a clock that also runs while the machine sleeps, for lifetimes. */
  readonly now: () => number;
}

/** What the agent knows of one connection. */
export interface AgentConnection {
  readonly caller: Caller;
  readonly bindings: SessionBindings;
}

const FAILURE: Uint8Array = message(MESSAGE.FAILURE);
const SUCCESS: Uint8Array = message(MESSAGE.SUCCESS);
const NONE: Uint8Array = message(MESSAGE.IDENTITIES_ANSWER, new Uint8Array(4));
const MAX_PASSPHRASE = 1024;
const MAX_COMMENT = 4096;
const EXTENSIONS = ['query', SESSION_BIND] as const;

/**
 * The ssh-agent (draft-ietf-sshm-ssh-agent) in front of the engine: one for all connections, since
 * what `ssh-add` adds, removes and locks holds for all of them.
 */
export class SshAgent {
  readonly #service: KeysService;
  readonly #identities: Identities;
  readonly #lock: AgentLock;
  /** Keys with a lifetime are session objects of the agent as a whole. */
  readonly #scope = `ssh-agent-${randomUUID()}`;
  #changes: Promise<unknown> = Promise.resolve();

  constructor(options: AgentOptions) {
    this.#service = options.service;
    this.#identities = new Identities(options.service, options.now);
    this.#lock = new AgentLock(options.service, options.wait);
  }

  connection(peer: { readonly uid: number; readonly pid: number }): AgentConnection {
    const { uid, pid } = peer;
    return {
      caller: { front: 'ssh-agent', uid, pid, role: 'user', scope: this.#scope },
      bindings: new SessionBindings(),
    };
  }

  /** Offers again the keys that `ssh-add -d` and `-D` took off the list without destroying them. */
  offerAll(): void {
    this.#identities.offerAll();
  }

  /**
   * The answer to one message; FAILURE where it cannot be done, as the protocol says.
   * @throws {BytesError} when the message is malformed: the connection is lost
   */
  async answer(request: Uint8Array, connection: AgentConnection): Promise<Uint8Array> {
    try {
      return await this.#serve(new Reader(request), connection);
    } catch (error) {
      if (error instanceof StrongroomError && !(error instanceof BytesError)) return FAILURE;
      throw error;
    } finally {
      // It may have held a private key or a passphrase; what is kept of it was copied.
      request.fill(0);
    }
  }

  async #serve(reader: Reader, connection: AgentConnection): Promise<Uint8Array> {
    const { caller, bindings } = connection;
    const type = reader.u8();
    if (type === MESSAGE.EXTENSION) return extension(reader, bindings);
    if (type === MESSAGE.UNLOCK) return await this.#unlock(reader, connection);
    const locked = await this.#lock.isLocked(caller);
    switch (type) {
      case MESSAGE.REQUEST_IDENTITIES:
        reader.end();
        return locked ? NONE : await this.#list(caller);
      case MESSAGE.SIGN_REQUEST:
        return locked ? FAILURE : await this.#sign(reader, connection);
      case MESSAGE.ADD_IDENTITY:
      case MESSAGE.ADD_ID_CONSTRAINED:
      case MESSAGE.REMOVE_IDENTITY:
      case MESSAGE.REMOVE_ALL_IDENTITIES:
      case MESSAGE.LOCK:
        // A host that the agent is forwarded to may use keys; whose they are and which is not its say.
        return locked || bindings.forwarded ? FAILURE : await this.#change(type, reader, caller);
      default:
        return FAILURE;
    }
  }

  async #list(caller: Caller): Promise<Uint8Array> {
    const all = await this.#identities.list(caller);
    const parts = all.map(({ key, comment }) => concat(sshString(key.blob), sshString(comment)));
    return message(MESSAGE.IDENTITIES_ANSWER, new Writer(4).u32(all.length).finish(), ...parts);
  }

  async #sign(reader: Reader, { caller, bindings }: AgentConnection): Promise<Uint8Array> {
    const blob = reader.bytes32(MAX_MESSAGE);
    const data = reader.bytes32(MAX_MESSAGE);
    const flags = reader.u32();
    reader.end();
    const wanted = await this.#identities.find(blob, caller);
    const mechanism = wanted?.key.mechanism(flags);
    if (wanted === undefined || mechanism === undefined) return FAILURE;
    const asking = wanted.confirm ? { ...caller, occasion: occasion(data, bindings) } : caller;
    const signing = this.#service.begin({ verb: 'sign', key: wanted.object, mechanism }, asking);
    const signed = await (signing.elsewhere?.(data) ?? signing.whole(data));
    return message(MESSAGE.SIGN_RESPONSE, sshString(wanted.key.signature(signed, flags)));
  }

  /** One change after the other: two connections that add one key at a time add one key. */
  #change(type: number, reader: Reader, caller: Caller): Promise<Uint8Array> {
    const changed = this.#changes.then(() => this.#changeNow(type, reader, caller));
    this.#changes = changed.catch(() => undefined);
    return changed;
  }

  async #changeNow(type: number, reader: Reader, caller: Caller): Promise<Uint8Array> {
    switch (type) {
      case MESSAGE.ADD_IDENTITY:
      case MESSAGE.ADD_ID_CONSTRAINED: {
        const added = readSshPrivateKey(reader);
        try {
          const comment = reader.bytes32(MAX_COMMENT);
          if (type === MESSAGE.ADD_IDENTITY) reader.end();
          const constraints = constraintsOf(reader);
          await this.#identities.add(added, comment, constraints, caller);
        } finally {
          added.wipe();
        }
        return SUCCESS;
      }
      case MESSAGE.REMOVE_IDENTITY: {
        const blob = reader.bytes32(MAX_MESSAGE);
        reader.end();
        return (await this.#identities.remove(blob, caller)) ? SUCCESS : FAILURE;
      }
      case MESSAGE.REMOVE_ALL_IDENTITIES:
        reader.end();
        await this.#identities.removeAll(caller);
        return SUCCESS;
      default: {
        const passphrase = reader.bytes32(MAX_PASSPHRASE);
        reader.end();
        return (await this.#lock.lock(passphrase, caller)) ? SUCCESS : FAILURE;
      }
    }
  }

  async #unlock(reader: Reader, { caller, bindings }: AgentConnection): Promise<Uint8Array> {
    const passphrase = reader.bytes32(MAX_PASSPHRASE);
    reader.end();
    if (bindings.forwarded) return FAILURE;
    return (await this.#lock.unlock(passphrase, caller)) ? SUCCESS : FAILURE;
  }
}

/** @throws {KeysError} on a constraint that is not kept: the key is refused rather than taken without it */
function constraintsOf(reader: Reader): Constraints {
  let lifetime: number | undefined;
  let confirm = false;
  while (reader.left > 0) {
    const constraint = reader.u8();
    if (constraint === CONSTRAINT.LIFETIME) lifetime = reader.u32();
    else if (constraint === CONSTRAINT.CONFIRM) confirm = true;
    else throw new KeysError('ACTION_PROHIBITED', 'a constraint on the key is not known here');
  }
  return { lifetime, confirm };
}

/** What the question to the person says beside the key's name. */
function occasion(data: Uint8Array, bindings: SessionBindings): string {
  const { host, forwarded } = bindings;
  return [
    occasionOf(data) ?? '',
    ...(host === undefined ? [] : [`on the host with key ${host}`]),
    ...(forwarded ? ['(asked from a host that the agent is forwarded to)'] : []),
  ].join(' ');
}

function extension(reader: Reader, bindings: SessionBindings): Uint8Array {
  const name = textOf(reader.bytes32(MAX_COMMENT));
  if (name === SESSION_BIND) {
    return bindings.bind(reader) ? SUCCESS : message(MESSAGE.EXTENSION_FAILURE);
  }
  if (name !== 'query') return FAILURE;
  reader.end();
  return message(
    MESSAGE.EXTENSION_RESPONSE,
    ...['query', ...EXTENSIONS].map((each) => sshString(each)),
  );
}
