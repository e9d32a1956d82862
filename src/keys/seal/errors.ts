import { StrongroomError } from '../../errors.ts';

/** The master key cannot be opened. */
export class SealError extends StrongroomError {}

export function damaged(cause?: unknown): SealError {
  return new SealError('SEAL_UNREADABLE', 'seal.json is missing or damaged', {
    mend: 'put it back from a backup of the home folder',
    ...(cause === undefined ? {} : { cause }),
  });
}
