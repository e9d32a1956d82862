import { randomBytes } from 'node:crypto';
import { KeysError } from './errors.ts';
import { firstTokenState } from './engine/token.ts';
import type { ControlCalls } from './fronts/client/server.ts';
import type { FrameValue } from './fronts/client/frame.ts';
import { recordOf } from './fronts/client/parse.ts';
import {
  SEAL_DESCRIPTIONS,
  createSeal,
  openWithFile,
  openWithPassphrase,
  sealKind,
} from './seal/seals.ts';
import { createStore, storeExists } from './store/sqlite.ts';
import { TOKEN_RECORD } from './vault.ts';
import type { Vault } from './vault.ts';

export interface ControlOptions {
  readonly vault: Vault;
  /** The folder of the store and the seal. */
  readonly folder: string;
  readonly wait: (milliseconds: number) => Promise<void>;
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
  const { vault, folder } = options;
  return {
    status() {
      const kind = sealKind(folder);
      const { failure, objects, served, refused, selfTests } = vault.facts;
      return {
        state: kind === undefined ? 'unprovisioned' : vault.state,
        failure: failure ?? null,
        seals: kind === undefined ? [] : [{ kind, description: SEAL_DESCRIPTIONS[kind] }],
        label: vault.state === 'operational' ? vault.token.info().label : null,
        pins: vault.state === 'operational' ? pinsOf(vault) : null,
        objects,
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
      if (sealKind(folder) !== undefined || storeExists(folder)) {
        throw new KeysError('ACTION_PROHIBITED', 'a strongroom exists in this home already', {
          mend: 'set STRONGROOM_HOME to another folder to make a second one',
        });
      }
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
      const masterKey = await createSeal(folder, given);
      for (const secret of [pin, soPin, given]) {
        if (secret instanceof Uint8Array) secret.fill(0);
      }
      const store = createStore(folder, masterKey);
      store.commit({ put: [{ id: TOKEN_RECORD, body: state }], remove: [] });
      store.close();
      vault.unlock(masterKey);
      return null;
    },
    async unlock(body) {
      const kind = sealKind(folder);
      if (kind === undefined) {
        throw new KeysError('ACTION_PROHIBITED', 'there is no strongroom yet', {
          mend: 'strongroom init',
        });
      }
      const { passphrase } = recordOf(body, 'body');
      if (kind === 'file') {
        vault.unlock(openWithFile(folder));
      } else {
        const given = bytes(passphrase, 'passphrase');
        try {
          vault.unlock(await openWithPassphrase(folder, given, options.wait));
        } finally {
          given.fill(0);
        }
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
