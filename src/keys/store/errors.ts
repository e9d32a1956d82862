import { StrongroomError } from '../../errors.ts';

/** The store refuses: it was tampered with, or could not be written. */
export class StoreError extends StrongroomError {}
