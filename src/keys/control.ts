import { randomBytes } from 'node:crypto';
import { reasonOf } from '../errors.ts';
import { KeysError } from './errors.ts';
import { firstTokenState } from './engine/token.ts';
import type { ControlCalls } from './fronts/client/server.ts';
import type { FrameValue } from './fronts/client/frame.ts';
import { recordOf } from './fronts/client/parse.ts';
import { makeStrongroom } from './make-strongroom.ts';
import { PassphraseSeal, SEAL_DESCRIPTIONS, openWithFile, sealKind } from './seal/seals.ts';
import { createDisk } from './store/disk.ts';
import type { Disk } from './store/disk.ts';
import type { Vault } from './vault.ts';

export interface ControlOptions {
  readonly vault: Vault;
  /** The folder of the store and the seal. */
  readonly folder: string;
  readonly disk?: Disk;
  readonly wait: (milliseconds: number) => Promise<void>;
  /** Told what the person should know and no call answers. */
  readonly warn?: (text: string) => void;
  readonly facts: () => { readonly [name: string]: FrameValue };
  readonly confirmations: {
    pending(): readonly {
      readonly id: number;
      readonly pid: number;
      readonly question: string;
    }[];
    answer(id: number, allowed: boolean): boolean;
  };
  readonly agent?: { offerAll(): void };
}

function bytes(value: FrameValue, what: string): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new KeysError('ARGUMENTS_BAD', `the request has no valid ${what}`);
}

/** The kind of seal, or why it cannot be told. */
function sealFound(folder: string): {
  readonly kind?: ReturnType<typeof sealKind>;
  readonly failure?: string;
} {
  try {
    return { kind: sealKind(folder) };
  } catch (error) {
    return { failure: reasonOf(error) };
  }
}

function pinsOf(vault: Vault): FrameValue {
  const info = vault.token.info();
  return {
    user: {
      set: info.userPinInitialised,
      failures: info.userPinFailures,
      locked: info.userPinLocked,
    },
    securityOfficer: {
      set: true,
      failures: info.securityOfficerPinFailures,
      locked: info.securityOfficerPinLocked,
    },
    triesBeforeLock: info.triesBeforeLock,
  };
}

/** Opens at the start what opens by itself; a passphrase is waited for. */
export function unlockAtStart(vault: Vault, folder: string): void {
  if (sealKind(folder) === 'file') vault.unlock(openWithFile(folder));
}

/** The calls beside the engine's requests: the life of the strongroom itself. */
export function controlCalls(options: ControlOptions): ControlCalls {
  const { vault, folder, disk = createDisk() } = options;
  const passphraseSeal = new PassphraseSeal(folder, options.wait, disk);
  let making = false;
  return {
    status() {
      const { objects, generation, served, refused, selfTests } = vault.facts;
      const { kind, failure = vault.facts.failure } = sealFound(folder);
      const unprovisioned = kind === undefined && failure === undefined;
      return {
        state: unprovisioned ? 'unprovisioned' : kind === undefined ? 'failed' : vault.state,
        failure: failure ?? null,
        seals: kind === undefined ? [] : [{ kind, description: SEAL_DESCRIPTIONS[kind] }],
        label: vault.state === 'operational' ? vault.token.info().label : null,
        pins: vault.state === 'operational' ? pinsOf(vault) : null,
        objects,
        generation: generation ?? null,
        served,
        refused,
        pid: process.pid,
        selfTests: selfTests ?? null,
        physicalProtection: 'none',
        certification: 'none',
        ...options.facts(),
      };
    },
    async provision(body) {
      const { label, pin, soPin, passphrase } = recordOf(body, 'body');
      const state = await firstTokenState(
        typeof label === 'string' ? label.slice(0, 32) : 'Strongroom',
        randomBytes(8).toString('hex'),
        {
          user: bytes(pin, 'PIN'),
          securityOfficer: bytes(soPin, 'security officer PIN'),
        },
      );
      const given = passphrase instanceof Uint8Array ? passphrase : undefined;
      if (given !== undefined && given.length < 8) {
        throw new KeysError('PIN_LEN_RANGE', 'a passphrase has 8 bytes or more');
      }
      if (making) throw new KeysError('ACTION_PROHIBITED', 'a strongroom is being made already');
      making = true;
      try {
        vault.unlock(await makeStrongroom(folder, disk, { token: state, passphrase: given }));
      } finally {
        making = false;
        for (const secret of [pin, soPin, given]) {
          if (secret instanceof Uint8Array) secret.fill(0);
        }
      }
      return null;
    },
    async unlock(body) {
      const kind = sealKind(folder);
      if (kind === undefined) {
        throw new KeysError('ACTION_PROHIBITED', 'there is no strongroom yet', {
          mend: 'strongroom init',
        });
      }
      if (vault.state === 'operational') return null;
      if (kind === 'file') {
        vault.unlock(openWithFile(folder));
        options.agent?.offerAll();
        return null;
      }
      const passphrase = bytes(recordOf(body, 'body')['passphrase'], 'passphrase');
      try {
        const { masterKey, tries } = await passphraseSeal.open(passphrase);
        vault.unlock(masterKey);
        if (vault.noteTries(tries)) {
          options.warn?.(
            'seal.json is older than the store: it was put back, and with it the count of wrong passphrases',
          );
        }
      } finally {
        passphrase.fill(0);
      }
      options.agent?.offerAll();
      return null;
    },
    async 'pin-change'(body) {
      const { role, oldPin, newPin } = recordOf(body, 'body');
      const given = [bytes(oldPin, 'PIN'), bytes(newPin, 'new PIN')] as const;
      try {
        await vault.token.setPin(role === 'security-officer' ? role : 'user', ...given);
      } finally {
        for (const pin of given) pin.fill(0);
      }
      return null;
    },
    async 'pin-unblock'(body) {
      const { soPin, newPin } = recordOf(body, 'body');
      const given = [bytes(soPin, 'security officer PIN'), bytes(newPin, 'new PIN')] as const;
      try {
        await vault.token.login('security-officer', given[0]);
        await vault.token.initPin(given[1]);
      } finally {
        for (const pin of given) pin.fill(0);
      }
      return null;
    },
    lock() {
      vault.lock();
      return null;
    },
    'agent-offer'() {
      options.agent?.offerAll();
      return null;
    },
    'confirm-pending': () =>
      options.confirmations.pending().map(({ id, pid, question }) => ({ id, pid, question })),
    'confirm-answer'(body) {
      const { id, allowed } = recordOf(body, 'body');
      return options.confirmations.answer(Number(id), allowed === true);
    },
  };
}
