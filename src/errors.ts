/**
 * Who has to act on an error. The command line's exit code and a protocol's answer follow from it:
 * `usage` 2, `denied` 3, `locked` 4, everything else 1.
 */
export type Duty = 'usage' | 'denied' | 'locked' | 'peer' | 'operator' | 'internal';

/**
 * The one base class. `code` is stable and documented in docs/errors.md; `message` is one sentence
 * that may change, and holds no key, PIN or user data; `mend` says what to do about it.
 */
export class StrongroomError extends Error {
  readonly code: string;
  readonly duty: Duty;
  readonly mend: string | undefined;

  constructor(
    code: string,
    message: string,
    options: { readonly duty?: Duty; readonly mend?: string; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.duty = options.duty ?? 'operator';
    this.mend = options.mend;
  }
}

/** The message of whatever was thrown, for putting behind a colon. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
