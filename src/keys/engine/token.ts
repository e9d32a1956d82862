import { KeysError } from '../errors.ts';
import { fromUtf8, utf8 } from '../../bytes/text.ts';
import { hashPin, matchesPin } from './pin.ts';
import type { PinHash } from './pin.ts';
import type { TokenInfo, TokenService } from './request.ts';

type PinRole = 'user' | 'security-officer';

/** What is kept of the token itself, sealed in the store like every object. */
interface TokenState {
  readonly label: string;
  readonly serialNumber: string;
  readonly pins: Readonly<Record<PinRole, PinHash | null>>;
  readonly failures: Readonly<Record<PinRole, number>>;
}

/** Wrong PINs in a row before a role is locked. */
export const TRIES_BEFORE_LOCK = 10;
export const PIN_LENGTH = { least: 6, most: 64 } as const;

export interface TokenOptions {
  /** Makes the state durable before it returns. */
  readonly persist: (body: Uint8Array) => void;
  /** Destroys every object (C_InitToken). */
  readonly destroyAll: () => void;
  readonly count: () => { publicObjects: number; privateObjects: number };
  /** Waits; the delay after a wrong PIN. */
  readonly wait: (milliseconds: number) => Promise<void>;
}

/** The first state of a token. */
export async function firstTokenState(
  label: string,
  serialNumber: string,
  pins: { readonly user: Uint8Array; readonly securityOfficer: Uint8Array },
): Promise<Uint8Array> {
  checkLength(pins.user);
  checkLength(pins.securityOfficer);
  const state: TokenState = {
    label,
    serialNumber,
    pins: {
      user: await hashPin(pins.user),
      'security-officer': await hashPin(pins.securityOfficer),
    },
    failures: { user: 0, 'security-officer': 0 },
  };
  return utf8(JSON.stringify(state));
}

function checkLength(pin: Uint8Array): void {
  if (pin.length < PIN_LENGTH.least || pin.length > PIN_LENGTH.most) {
    throw new KeysError(
      'PIN_LEN_RANGE',
      `a PIN has ${PIN_LENGTH.least} to ${PIN_LENGTH.most} bytes`,
    );
  }
}

/** The token's PINs. Every try is counted on disk before it is looked at: a kill gains nothing. */
export class Token implements TokenService {
  #state: TokenState;
  readonly #options: TokenOptions;
  /** One try after the other: parallel guesses share no count. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(body: Uint8Array, options: TokenOptions) {
    this.#state = JSON.parse(fromUtf8(body)) as TokenState;
    this.#options = options;
  }

  info(): TokenInfo {
    const { label, serialNumber, pins, failures } = this.#state;
    return {
      label,
      serialNumber,
      model: 'software',
      userPinInitialised: pins.user !== null,
      userPinLocked: failures.user >= TRIES_BEFORE_LOCK,
      userPinFailures: failures.user,
      securityOfficerPinLocked: failures['security-officer'] >= TRIES_BEFORE_LOCK,
      securityOfficerPinFailures: failures['security-officer'],
      triesBeforeLock: TRIES_BEFORE_LOCK,
      pinLength: PIN_LENGTH,
      ...this.#options.count(),
    };
  }

  login(role: PinRole, pin: Uint8Array): Promise<void> {
    return this.#enqueue(() => this.#check(role, pin));
  }

  setPin(role: PinRole, oldPin: Uint8Array, newPin: Uint8Array): Promise<void> {
    return this.#enqueue(async () => {
      checkLength(newPin);
      await this.#check(role, oldPin);
      this.#save({ pins: { ...this.#state.pins, [role]: await hashPin(newPin) } });
    });
  }

  initPin(newPin: Uint8Array): Promise<void> {
    return this.#enqueue(async () => {
      checkLength(newPin);
      this.#save({
        pins: { ...this.#state.pins, user: await hashPin(newPin) },
        failures: { ...this.#state.failures, user: 0 },
      });
    });
  }

  initToken(securityOfficerPin: Uint8Array, label: string): Promise<void> {
    return this.#enqueue(async () => {
      await this.#check('security-officer', securityOfficerPin);
      this.#options.destroyAll();
      this.#save({
        label: label.slice(0, 32),
        pins: { ...this.#state.pins, user: null },
        failures: { ...this.#state.failures, user: 0 },
      });
    });
  }

  async #check(role: PinRole, pin: Uint8Array): Promise<void> {
    const kept = this.#state.pins[role];
    if (kept === null) {
      throw new KeysError('USER_PIN_NOT_INITIALIZED', 'the user has no PIN yet', {
        mend: 'the security officer sets one',
      });
    }
    const failures = this.#state.failures[role];
    if (failures >= TRIES_BEFORE_LOCK) throw lockedError(role);
    this.#save({ failures: { ...this.#state.failures, [role]: failures + 1 } });
    if (await matchesPin(pin, kept)) {
      this.#save({ failures: { ...this.#state.failures, [role]: 0 } });
      return;
    }
    await this.#options.wait(Math.min(5000, 50 * 2 ** failures));
    if (failures + 1 >= TRIES_BEFORE_LOCK) throw lockedError(role);
    throw new KeysError('PIN_INCORRECT', 'the PIN is wrong', {
      mend: `${TRIES_BEFORE_LOCK - failures - 1} tries are left`,
    });
  }

  #save(changes: Partial<TokenState>): void {
    const state = { ...this.#state, ...changes };
    this.#options.persist(utf8(JSON.stringify(state)));
    this.#state = state;
  }

  #enqueue<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

function lockedError(role: PinRole): KeysError {
  const mend =
    role === 'user'
      ? 'the security officer sets a new one (C_InitPIN)'
      : 'the token must be made anew: strongroom init';
  return new KeysError('PIN_LOCKED', `the PIN is locked after ${TRIES_BEFORE_LOCK} wrong tries`, {
    mend,
  });
}
