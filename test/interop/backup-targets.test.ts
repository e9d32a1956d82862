// Our targets against servers that others wrote: rclone's REST and WebDAV, OpenSSH's SFTP.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { RestTarget } from '../../src/backup/targets/rest.ts';
import { SftpTarget } from '../../src/backup/targets/sftp/target.ts';
import { WebDavTarget } from '../../src/backup/targets/webdav.ts';
import type { Target } from '../../src/backup/targets/target.ts';
import { targetSuite } from '../suite/target.ts';
import type { TargetPlace } from '../suite/target.ts';
import { background, freePort, withoutPrograms } from '../support/background.ts';

function folder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'strongroom-storage-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

async function rclone(
  words: readonly string[],
  open: (origin: string) => Target,
): Promise<TargetPlace> {
  const { path, remove } = folder();
  const port = await freePort();
  const [kind = '', ...more] = words;
  const server = await background(
    'rclone',
    ['serve', kind, '--config', '/dev/null', '--addr', `127.0.0.1:${port}`, ...more, path],
    port,
  );
  return {
    open: () => Promise.resolve(open(`http://user:pass@127.0.0.1:${port}`)),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      remove();
    },
  };
}

const skipRclone = withoutPrograms('rclone');
const account = ['--user', 'user', '--pass', 'pass'];

targetSuite(
  'REST by rclone',
  () => rclone(['restic', ...account], (origin) => new RestTarget(`${origin}/some/repo/`)),
  { skip: skipRclone },
);

targetSuite(
  'append-only REST by rclone',
  () =>
    rclone(
      ['restic', '--append-only', ...account],
      (origin) => new RestTarget(`${origin}/some/repo/`),
    ),
  { skip: skipRclone, appendOnly: true },
);

targetSuite(
  'WebDAV by rclone',
  () => rclone(['webdav', ...account], (origin) => new WebDavTarget(`${origin}/repo`)),
  { skip: skipRclone },
);

const SFTP_SERVER = '/usr/lib/openssh/sftp-server';

/** An sshd of this user with one key, and the ssh_config that reaches it. */
async function sshd(): Promise<TargetPlace> {
  const { path, remove } = folder();
  const at = (name: string): string => join(path, name);
  for (const name of ['host', 'user']) {
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
  }
  const port = await freePort();
  chmodSync(path, 0o700);
  spawnSync('cp', [at('user.pub'), at('authorized')]);
  // The folder of sshd's own that Debian's service makes.
  if (userInfo().uid === 0 && !existsSync('/run/sshd')) mkdirSync('/run/sshd', { mode: 0o755 });
  writeFileSync(
    at('sshd_config'),
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${at('host')}`,
      `AuthorizedKeysFile ${at('authorized')}`,
      'StrictModes no',
      'UsePAM no',
      'PidFile none',
      'MaxStartups 100',
      `Subsystem sftp ${SFTP_SERVER}`,
    ].join('\n'),
  );
  writeFileSync(
    at('ssh_config'),
    [
      'Host storage',
      'HostName 127.0.0.1',
      `Port ${port}`,
      `User ${userInfo().username}`,
      `IdentityFile ${at('user')}`,
      'IdentitiesOnly yes',
      'StrictHostKeyChecking no',
      `UserKnownHostsFile ${at('known')}`,
      'LogLevel ERROR',
    ].join('\n'),
  );
  const server = await background('/usr/sbin/sshd', ['-D', '-e', '-f', at('sshd_config')], port);
  return {
    open: () =>
      Promise.resolve(
        new SftpTarget(`storage:${at('repo')}`, {
          environment: { STRONGROOM_BACKUP_SSH_CONFIG: at('ssh_config') },
        }),
      ),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      remove();
    },
  };
}

targetSuite('SFTP by OpenSSH', sshd, {
  skip: withoutPrograms('ssh', 'ssh-keygen', '/usr/sbin/sshd', SFTP_SERVER),
});
