// An sshd of its own on loopback: own configuration, host keys and port.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { userInfo } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type { SshAgent } from './ssh.ts';

export const SSHD = '/usr/sbin/sshd';

export interface Sshd extends AsyncDisposable {
  /** Whose login it takes: the user who runs the test. */
  readonly user: string;
  /** What `ssh` needs to reach it, the command to be run behind. */
  readonly options: readonly string[];
  /** What it logged. */
  readonly log: () => string;
  /** The public key lines that may log in. */
  readonly allow: (lines: readonly string[]) => void;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => {
    probe.listen(0, '127.0.0.1', resolve);
  });
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => {
    probe.close(resolve);
  });
  return port;
}

/** Where sshd goes when it runs as root and drops its privileges; Debian makes it at boot. */
function privilegeSeparationFolder(): void {
  if (process.getuid?.() === 0 && !existsSync('/run/sshd')) mkdirSync('/run/sshd', { mode: 0o755 });
}

export async function startSshd(agent: SshAgent, hostKeyType = 'ed25519'): Promise<Sshd> {
  const { file, run } = agent;
  const user = userInfo().username;
  const port = await freePort();
  const hostKey = file(`host-${hostKeyType}`);
  run('ssh-keygen', ['-q', '-t', hostKeyType, '-N', '', '-f', hostKey]);
  const hostLine = run('ssh-keygen', ['-y', '-f', hostKey]).trim();
  writeFileSync(file('known_hosts'), `[127.0.0.1]:${port} ${hostLine}\n`);
  writeFileSync(file('authorized_keys'), '');
  writeFileSync(
    file('sshd_config'),
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${hostKey}`,
      'PidFile none',
      `AuthorizedKeysFile ${file('authorized_keys')}`,
      'AuthenticationMethods publickey',
      'PubkeyAcceptedAlgorithms +ssh-rsa',
      'PermitRootLogin prohibit-password',
      // The temporary folder belongs to the user, its parents to everybody.
      'StrictModes no',
      'UsePAM no',
      'AllowAgentForwarding yes',
      'LogLevel VERBOSE',
      '',
    ].join('\n'),
  );
  privilegeSeparationFolder();
  // A file, which is whole as soon as the client has ended.
  const logFile = file(`sshd-${port}.log`);
  const log = (): string => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '');
  const child: ChildProcess = spawn(SSHD, ['-D', '-E', logFile, '-f', file('sshd_config')], {
    stdio: 'ignore',
  });
  const until = Date.now() + 60_000;
  while (!log().includes('Server listening')) {
    if (child.exitCode !== null || Date.now() > until) throw new Error(`no sshd: ${log()}`);
    await wait(20);
  }
  return {
    user,
    options: [
      '-F',
      '/dev/null',
      '-p',
      String(port),
      '-oBatchMode=yes',
      `-oUserKnownHostsFile=${file('known_hosts')}`,
      '-oStrictHostKeyChecking=yes',
      '-oPreferredAuthentications=publickey',
      '-oConnectTimeout=60',
      `${user}@127.0.0.1`,
    ],
    log,
    allow: (lines) => writeFileSync(file('authorized_keys'), `${lines.join('\n')}\n`),
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => {
        child.once('exit', resolve);
      });
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await ended;
    },
  };
}
