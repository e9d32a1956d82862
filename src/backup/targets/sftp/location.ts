import { BackupError } from '../../errors.ts';
import type { SftpCommand } from './session.ts';

export interface SftpLocation {
  readonly host: string;
  readonly path: string;
  readonly command: SftpCommand;
}

/** What may stand for a host or user on ssh's command line: nothing that could be an option. */
const WORD = /^[A-Za-z0-9_.][A-Za-z0-9_.@%+-]*$|^\[[0-9a-fA-F:]+\]$/;

/**
 * `user@host:path`, or `//user@host:port/path` where a path that begins with a second slash is
 * absolute, both as restic writes them. `STRONGROOM_BACKUP_SSH_CONFIG` names another ssh_config.
 * @throws {BackupError} BACKUP_USAGE
 */
export function sftpLocation(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): SftpLocation {
  const found =
    /^\/\/(?:(?<user>[^@/]+)@)?(?<host>\[[^\]]+\]|[^:/]+)(?::(?<port>\d{1,5}))?\/(?<path>.+)$/.exec(
      text,
    ) ?? /^(?:(?<user>[^@:/]+)@)?(?<host>\[[^\]]+\]|[^:/]+):(?<path>.+)$/.exec(text);
  const { user, host, port, path } = found?.groups ?? {};
  if (host === undefined || path === undefined || !WORD.test(host) || !WORD.test(user ?? 'x')) {
    throw new BackupError('BACKUP_USAGE', 'the SFTP location needs a host and a path', {
      duty: 'usage',
      mend: 'for example sftp:alice@backup.example:/srv/backup',
    });
  }
  const config = environment['STRONGROOM_BACKUP_SSH_CONFIG'];
  return {
    host,
    path: path.replace(/\/+$/, '') || '/',
    command: {
      program: 'ssh',
      arguments: [
        ...(config === undefined ? [] : ['-F', config]),
        ...(port === undefined ? [] : ['-p', port]),
        ...(user === undefined ? [] : ['-l', user]),
        '-o',
        'ServerAliveInterval=30',
        '-s',
        host.replace(/^\[|\]$/g, ''),
        'sftp',
      ],
    },
  };
}
