// Stock restic and rclone keep their backups on our server, and it keeps what it promises them.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runBackupServer } from '../support/backup-server.ts';
import { freePort, withoutPrograms } from '../support/background.ts';
import { S3_ACCESS_KEY, S3_SECRET_KEY, startS3Double } from '../support/s3-double.ts';

const program = join(dirname(dirname(import.meta.dirname)), 'src/cli/main.ts');
const skip = withoutPrograms('restic', 'rclone');

interface Workplace extends Disposable {
  readonly path: string;
  readonly source: string;
  /** Runs restic; what it printed and its exit code. */
  restic(repository: string, words: readonly string[], more?: NodeJS.ProcessEnv): Promise<Run>;
}

interface Run {
  readonly status: number;
  readonly out: string;
}

/** Runs a program, at the longest until it says what matches `until`. */
async function run(
  name: string,
  words: readonly string[],
  env: NodeJS.ProcessEnv,
  until?: RegExp,
): Promise<Run> {
  const child = spawn(name, words, { env: { ...process.env, ...env } });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      if (until?.test(out) === true) child.kill('SIGKILL');
    });
  }
  const [status] = (await once(child, 'close')) as [number | null];
  return { status: status ?? -1, out };
}

function workplace(): Workplace {
  const path = mkdtempSync(join(tmpdir(), 'strongroom-restic-'));
  const source = join(path, 'source');
  mkdirSync(join(source, 'a-folder-of-mine'), { recursive: true });
  for (let index = 0; index < 40; index++) {
    writeFileSync(join(source, 'a-folder-of-mine', `letter-${index}.txt`), `my dear ${index}\n`);
  }
  writeFileSync(join(source, 'large-file.bin'), randomBytes(6_000_000));
  return {
    path,
    source,
    restic: (repository, words, more = {}) =>
      run('restic', ['--no-cache', '-r', repository, ...words], {
        RESTIC_PASSWORD: 'of the test',
        ...more,
      }),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

function ok({ status, out }: Run): string {
  assert.equal(status, 0, out);
  return out;
}

function sameTree(one: string, two: string): void {
  const { status, stdout } = spawnSync('diff', ['-r', one, two]);
  assert.equal(status, 0, stdout.toString());
}

test('restic backs up, checks, restores, forgets and prunes', { skip }, async () => {
  using place = workplace();
  await using running = await runBackupServer({ alice: {} });
  const repository = `rest:${running.as('alice')}/alice/laptop/`;
  ok(await place.restic(repository, ['init']));
  ok(await place.restic(repository, ['backup', place.source]));
  writeFileSync(join(place.source, 'another.txt'), 'more');
  ok(await place.restic(repository, ['backup', place.source]));
  ok(await place.restic(repository, ['check', '--read-data']));
  ok(await place.restic(repository, ['forget', '--keep-last', '1', '--prune']));
  ok(await place.restic(repository, ['check', '--read-data']));
  const target = join(place.path, 'restored');
  ok(await place.restic(repository, ['restore', 'latest', '--target', target]));
  sameTree(place.source, join(target, place.source));
  assert.deepEqual(running.warnings, []);
  // What the storage's owner sees: not one name or content of the source.
  const grep = spawnSync('grep', [
    '-rlaE',
    'letter-|my dear|a-folder-of-mine|large-file',
    running.folder,
  ]);
  assert.equal(grep.status, 1, grep.stdout.toString());
});

test('an append-only account gives a thief of the client no eraser', { skip }, async () => {
  using place = workplace();
  await using running = await runBackupServer({ laptop: { appendOnly: true } });
  const repository = `rest:${running.as('laptop')}/laptop/`;
  ok(await place.restic(repository, ['init']));
  ok(await place.restic(repository, ['backup', place.source]));
  // It would try again for a long time.
  const forget = await run(
    'restic',
    ['--no-cache', '-r', repository, 'forget', 'latest'],
    { RESTIC_PASSWORD: 'of the test' },
    /retrying.*403/,
  );
  assert.match(forget.out, /403/);
  await place.restic(repository, ['unlock']);
  ok(await place.restic(repository, ['check', '--read-data']));
  assert.match(ok(await place.restic(repository, ['snapshots'])), /1 snapshots/);
});

test('a write-only account backs up and restores nothing', { skip }, async () => {
  using place = workplace();
  await using running = await runBackupServer({
    laptop: { writeOnly: true, folders: ['shared'] },
    owner: { folders: ['shared'] },
  });
  const laptop = `rest:${running.as('laptop')}/shared/`;
  ok(await place.restic(laptop, ['init']));
  ok(await place.restic(laptop, ['backup', '--force', place.source]));
  const owner = `rest:${running.as('owner')}/shared/`;
  ok(await place.restic(owner, ['check', '--read-data']));
  const target = join(place.path, 'restored');
  ok(await place.restic(owner, ['restore', 'latest', '--target', target]));
  sameTree(place.source, join(target, place.source));
});

test('restic copies from our server to the one of rclone', { skip }, async () => {
  using place = workplace();
  await using running = await runBackupServer({ alice: {} });
  const port = await freePort();
  const copy = join(place.path, 'copy');
  mkdirSync(copy);
  const rclone = spawn('rclone', [
    'serve',
    'restic',
    '--config',
    '/dev/null',
    '--addr',
    `127.0.0.1:${port}`,
    copy,
  ]);
  try {
    const mine = `rest:${running.as('alice')}/alice/`;
    ok(await place.restic(mine, ['init']));
    ok(await place.restic(mine, ['backup', place.source]));
    const theirs = `rest:http://127.0.0.1:${port}/`;
    for (let tries = 0; tries < 100; tries++) {
      if ((await place.restic(theirs, ['init'])).status === 0) break;
      await sleep(200);
    }
    ok(
      await run('restic', ['--no-cache', '-r', theirs, 'copy', '--from-repo', mine], {
        RESTIC_PASSWORD: 'of the test',
        RESTIC_FROM_PASSWORD: 'of the test',
      }),
    );
    ok(await place.restic(theirs, ['check', '--read-data']));
    const target = join(place.path, 'restored');
    ok(await place.restic(theirs, ['restore', 'latest', '--target', target]));
    sameTree(place.source, join(target, place.source));
  } finally {
    rclone.kill('SIGKILL');
  }
});

test('the S3 double of the tests is one that restic takes for S3', { skip }, async () => {
  using place = workplace();
  await using double = await startS3Double();
  const more = { AWS_ACCESS_KEY_ID: S3_ACCESS_KEY, AWS_SECRET_ACCESS_KEY: S3_SECRET_KEY };
  const repository = `s3:${double.origin}/bucket/place`;
  ok(await place.restic(repository, ['init'], more));
  ok(await place.restic(repository, ['backup', place.source], more));
  ok(await place.restic(repository, ['check', '--read-data'], more));
  assert.equal(double.refused, 0);
});

test('a server that is killed while restic writes keeps whole objects only', { skip }, async () => {
  using place = workplace();
  const home = join(place.path, 'home');
  const environment = { ...process.env, STRONGROOM_HOME: home };
  const cli = (words: readonly string[]) =>
    spawnSync(process.execPath, [program, ...words], { env: environment });
  const made = cli(['backup', 'account', 'add', 'alice', '--json']);
  assert.equal(made.status, 0, made.stderr.toString());
  const { password } = JSON.parse(made.stdout.toString()) as { password: string };
  assert.ok(!readFileSync(join(home, 'backup-server/accounts.json'), 'utf8').includes(password));
  const port = await freePort();
  const repository = `rest:http://alice:${password}@127.0.0.1:${port}/alice/`;
  const serve = async () => {
    const child = spawn(
      process.execPath,
      [program, 'backup', 'serve', '--listen', `127.0.0.1:${port}`],
      { env: environment, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(child.stdout, 'data');
    return child;
  };
  let server = await serve();
  ok(await place.restic(repository, ['init']));
  for (let round = 0; round < 3; round++) {
    writeFileSync(join(place.source, 'large-file.bin'), randomBytes(15_000_000));
    const backup = place.restic(repository, ['backup', place.source]);
    await sleep(300 + round * 250);
    server.kill('SIGKILL');
    await once(server, 'exit');
    server = await serve();
    // restic tries again by itself; what it finishes is whole.
    ok(await backup);
    await place.restic(repository, ['unlock', '--remove-all']);
    ok(await place.restic(repository, ['check', '--read-data']));
  }
  const target = join(place.path, 'restored');
  ok(await place.restic(repository, ['restore', 'latest', '--target', target]));
  sameTree(place.source, join(target, place.source));
  server.kill('SIGINT');
  const [status] = (await once(server, 'exit')) as [number];
  assert.equal(status, 0);
  const storage = join(home, 'backup-server/storage/alice');
  assert.ok(readdirSync(storage).includes('config'));
  cpSync(storage, join(place.path, 'plain'), { recursive: true });
  ok(await place.restic(join(place.path, 'plain'), ['check']));
});
