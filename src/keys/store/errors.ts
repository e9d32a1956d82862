import { StrongroomError } from '../../errors.ts';

/** The store refuses: it was changed from outside, or could not be read or written. */
export class StoreError extends StrongroomError {}

/** The store is not what it was left as. */
export function tampered(what: string, cause?: unknown): StoreError {
  return new StoreError('STORE_TAMPERED', `the store was changed from outside: ${what}`, {
    mend: 'put back the whole folder `keys` from one backup',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** A change was not made. */
export function unwritten(cause: unknown): StoreError {
  return new StoreError('STORE_WRITE_FAILED', 'the store could not be written', {
    mend: 'make room on the disk and restart the strongroom',
    cause,
  });
}

/** What the system or SQLite said while the store was opened, in words of the store. */
export function unopened(cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  const { code, errcode } = cause as { readonly code?: unknown; readonly errcode?: unknown };
  if (errcode === SQLITE_BUSY) {
    return new StoreError('STORE_IN_USE', 'another process has the store open', {
      mend: 'end the other strongroom of this home first',
      cause,
    });
  }
  if (code === 'ERR_SQLITE_ERROR') return tampered('it is no database of this program', cause);
  return new StoreError('STORE_UNREADABLE', 'the store could not be read', {
    mend: 'see that the files in the folder `keys` belong to you and the disk is well',
    cause,
  });
}

const SQLITE_BUSY = 5;
