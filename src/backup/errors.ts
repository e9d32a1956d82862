import { StrongroomError } from '../errors.ts';
import type { Duty } from '../errors.ts';

interface Options {
  readonly duty?: Duty;
  readonly mend?: string;
  readonly cause?: unknown;
}

/**
 * Codes of the backup part.
 *
 * `BACKUP_DAMAGED`: bytes of a repository are not what they must be. `BACKUP_MALFORMED`: they are
 * authentic, and yet not what the format allows. `BACKUP_PASSWORD`: no key file opens with this
 * password. `BACKUP_LOCKED`: another program holds the repository. `BACKUP_ROLLED_BACK`: snapshots
 * that were made are missing or older ones are presented. `BACKUP_SOURCE`: something of the source
 * could not be read. `BACKUP_USAGE`: wrong use. `BACKUP_UNKNOWN`: there is no such thing in the
 * repository.
 */
export type BackupErrorCode =
  | 'BACKUP_DAMAGED'
  | 'BACKUP_EXISTS'
  | 'BACKUP_LOCKED'
  | 'BACKUP_MALFORMED'
  | 'BACKUP_PASSWORD'
  | 'BACKUP_ROLLED_BACK'
  | 'BACKUP_SHARES'
  | 'BACKUP_SOURCE'
  | 'BACKUP_STOPPED'
  | 'BACKUP_UNKNOWN'
  | 'BACKUP_USAGE';

/** An error of the backup part. */
export class BackupError extends StrongroomError {
  constructor(code: BackupErrorCode, message: string, options: Options = {}) {
    super(code, message, options);
  }
}

/**
 * Why a target did not do what it was asked.
 *
 * | fault | meaning | retry |
 * |---|---|---|
 * | `absent` | there is no such object | no |
 * | `exists` | a put found the name taken; what is there was left alone | no |
 * | `short` | the object ends before the range that was asked for | no |
 * | `oversize` | the object is larger than the limit given | no |
 * | `denied` | the far side refuses: credentials, append-only, read-only | no |
 * | `full` | no space, or over the quota | no |
 * | `busy` | it may work later: timeouts, broken connections, 429, 5xx | yes |
 * | `broken` | the far side does not speak the protocol, or anything else | no |
 */
export type TargetFault =
  | 'absent'
  | 'exists'
  | 'short'
  | 'oversize'
  | 'denied'
  | 'full'
  | 'busy'
  | 'broken';

/** A target's failure; `fault` says what a caller may do about it, `retriable` whether again. */
export class TargetError extends StrongroomError {
  readonly fault: TargetFault;

  constructor(fault: TargetFault, message: string, options: Options = {}) {
    super(`TARGET_${fault.toUpperCase()}`, message, options);
    this.fault = fault;
  }

  get retriable(): boolean {
    return this.fault === 'busy';
  }
}
