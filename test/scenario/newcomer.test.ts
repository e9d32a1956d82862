// What a newcomer meets: npm start, the lines it prints, Ctrl-C, and a second start.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { temporaryHome } from '../support/strongroom.ts';
import { onTerminal } from '../support/terminal.ts';

const root = dirname(dirname(import.meta.dirname));
const missing = ['npm', 'script', 'bash'].filter((name) => spawnSync('which', [name]).status !== 0);
const skip =
  missing.length > 0 && process.env['CI'] !== 'true'
    ? `not installed: ${missing.join(', ')}`
    : false;

/** Without the settings that an outer `npm test` hands to its children. */
function plainEnvironment(home: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'));
  return { ...Object.fromEntries(kept), STRONGROOM_HOME: home };
}

test(
  'npm start comes up, its lines can be copied, and Ctrl-C ends it cleanly; twice',
  { skip },
  async () => {
    const home = temporaryHome();
    const environment = plainEnvironment(home);
    try {
      for (const round of [1, 2]) {
        await using started = onTerminal(['npm', '--prefix', root, 'start'], environment);
        await started.sees(/Ctrl-C stops it/);
        const screen = started.said().replaceAll('\r', '');
        assert.match(screen, /strongroom is up: operational/);
        const pins = /PIN +\d{10} [^]*security officer PIN +\d{10}/;
        if (round === 1) assert.match(screen, pins, 'two PINs, once');
        else assert.doesNotMatch(screen, pins);
        for (const name of ['keys', 'ssh-agent', 'pkcs11']) {
          assert.ok(screen.includes(join(home, `${name}.sock`)), name);
        }
        // The lines under each service, as a person copies them into another terminal.
        const lines = screen
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => /^(bin\/|eval )/.test(line));
        assert.equal(lines.length, 3);
        for (const line of lines) {
          if (round === 2 && line.includes('key create')) continue;
          if (line.includes('pkcs11-tool') && spawnSync('which', ['pkcs11-tool']).status !== 0)
            continue;
          const done = spawnSync('bash', ['-euo', 'pipefail', '-c', line], {
            cwd: root,
            env: environment,
            encoding: 'utf8',
          });
          assert.equal(done.status, 0, `${line}: ${done.stdout}${done.stderr}`);
        }
        started.type('\x03');
        assert.equal(await started.ended, 0, started.said());
        assert.match(started.said(), /strongroom stopped/);
        assert.doesNotMatch(started.said(), /npm (ERR|error)|Error/);
      }
    } finally {
      rmSync(dirname(home), { recursive: true, force: true });
    }
  },
);

test(
  'a signal to npm alone reaches the strongroom, which ends and leaves no process',
  { skip },
  async () => {
    const home = temporaryHome();
    const environment = plainEnvironment(home);
    try {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        const npm = spawn('npm', ['--prefix', root, 'start'], { env: environment, stdio: 'pipe' });
        let said = '';
        for (const stream of [npm.stdout, npm.stderr]) {
          stream.setEncoding('utf8').on('data', (text: string) => {
            said += text;
          });
        }
        const ended = new Promise<number | null>((resolve) => {
          npm.once('close', (code) => resolve(code));
        });
        for (let tries = 0; tries < 600 && !said.includes('Ctrl-C stops it'); tries++)
          await wait(100);
        const status = spawnSync(join(root, 'bin/strongroom'), ['status', '--json'], {
          env: environment,
          encoding: 'utf8',
        });
        const { pid } = JSON.parse(status.stdout) as { pid: number };
        npm.kill(signal);
        await ended;
        assert.match(said, /strongroom stopped/);
        assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' }, 'the key process is gone');
      }
    } finally {
      rmSync(dirname(home), { recursive: true, force: true });
    }
  },
);

test('status waits until it is up, and tells when nothing comes', { skip }, async () => {
  const home = temporaryHome();
  const environment = plainEnvironment(home);
  const program = join(root, 'bin/strongroom');
  try {
    const nothing = spawnSync(program, ['status', '--wait', '1'], { env: environment });
    assert.equal(nothing.status, 1);
    const waiting = spawn(program, ['status', '--wait', '60', '--json'], { env: environment });
    let told = '';
    waiting.stdout.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
    const code = new Promise<number | null>((resolve) => {
      waiting.once('close', (status) => resolve(status));
    });
    const up = spawn(program, ['up', '--json'], {
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let first = '';
    up.stdout.setEncoding('utf8').on('data', (text: string) => {
      first += text;
    });
    assert.equal(await code, 0, 'also when the strongroom is made in that moment');
    assert.equal((JSON.parse(told) as { state: string }).state, 'operational');
    const second = spawnSync(program, ['up'], { env: environment, encoding: 'utf8' });
    assert.equal(second.status, 1);
    assert.match(second.stderr, /running in this home already/);
    const ended = new Promise<number | null>((resolve) => {
      up.once('close', (status) => resolve(status));
    });
    for (let tries = 0; tries < 600 && !first.includes('\n'); tries++) await wait(100);
    up.kill('SIGINT');
    assert.equal(await ended, 0);
    const { state, keysSocket } = JSON.parse(first) as { state: string; keysSocket: string };
    assert.deepEqual([state, keysSocket], ['operational', join(home, 'keys.sock')]);
  } finally {
    rmSync(dirname(home), { recursive: true, force: true });
  }
});
