import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { TargetError } from '../../../src/backup/errors.ts';
import { parseAccounts } from '../../../src/backup/server/accounts.ts';
import { routeOf } from '../../../src/backup/server/route.ts';
import { startBackupServer } from '../../../src/backup/server/server.ts';
import { LocalStorage, RemoteStorage } from '../../../src/backup/server/storage.ts';
import { RestTarget } from '../../../src/backup/targets/rest.ts';
import { object, targetSuite } from '../../suite/target.ts';
import { runBackupServer } from '../../support/backup-server.ts';
import { S3_ACCESS_KEY, S3_SECRET_KEY, startS3Double } from '../../support/s3-double.ts';

for (const appendOnly of [false, true]) {
  targetSuite(
    `our REST server${appendOnly ? ', append-only' : ''}`,
    async () => {
      const running = await runBackupServer({ alice: { appendOnly } });
      return {
        open: () => Promise.resolve(new RestTarget(`${running.as('alice')}/alice/laptop/`)),
        [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
      };
    },
    { appendOnly },
  );
}

targetSuite('our REST server over S3', async () => {
  const double = await startS3Double();
  const environment = { AWS_ACCESS_KEY_ID: S3_ACCESS_KEY, AWS_SECRET_ACCESS_KEY: S3_SECRET_KEY };
  const storage = new RemoteStorage(`s3:${double.origin}/bucket`, { environment });
  const running = await runBackupServer({ alice: {} }, { storage });
  return {
    open: () => Promise.resolve(new RestTarget(`${running.as('alice')}/alice/`)),
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      await double[Symbol.asyncDispose]();
    },
  };
});

function denied(error: unknown): boolean {
  assert.ok(error instanceof TargetError, String(error));
  assert.equal(error.fault, 'denied');
  return true;
}

test('an account reaches its own folders and nobody else’s', async () => {
  await using running = await runBackupServer({
    alice: { password: 'a password of hers' },
    bob: { folders: ['bob', 'shared'] },
  });
  for (const path of ['bob/', 'shared/', 'alice2/']) {
    const target = new RestTarget(`${running.as('alice')}/${path}`);
    await assert.rejects(target.list('data'), denied);
    await assert.rejects(target.put(object('data', 10).ref, [Buffer.alloc(10)]), denied);
    await target.close();
  }
  const shared = new RestTarget(`${running.as('bob')}/shared/`);
  await shared.prepare();
  await shared.close();
  const wrong = new RestTarget(`${running.as('alice').replace('hers', 'his')}/alice/`);
  await assert.rejects(wrong.list('data'), denied);
  await wrong.close();
});

test('wrong passwords are slowed down by address', async () => {
  await using running = await runBackupServer({ alice: {} });
  const statuses: number[] = [];
  for (let tries = 0; tries < 22; tries++) {
    const { status } = await fetch(`${running.server.origin}/alice/keys/`, {
      headers: { authorization: `Basic ${Buffer.from(`alice:${tries}`).toString('base64')}` },
    });
    statuses.push(status);
  }
  assert.deepEqual([...new Set(statuses)], [401, 429]);
  assert.equal(statuses.filter((status) => status === 401).length, 20);
});

test('a write-only account adds and lists, and cannot read packs or delete', async () => {
  await using running = await runBackupServer({ laptop: { writeOnly: true } });
  const target = new RestTarget(`${running.as('laptop')}/laptop/`);
  await target.prepare();
  for (const kind of ['data', 'snapshots', 'index', 'locks', 'keys'] as const) {
    const { ref, body } = object(kind, 1000);
    await target.put(ref, body);
    assert.equal(await target.stat(ref), 1000);
    if (kind === 'data') await assert.rejects(target.load(ref, 1000), denied);
    else assert.equal((await target.load(ref, 1000)).length, 1000);
    if (kind === 'locks') await target.remove(ref);
    else await assert.rejects(target.remove(ref), denied);
  }
  await target.close();
});

test('a quota holds over repositories, restarts of the count and refusals', async () => {
  await using running = await runBackupServer({ alice: { quota: 10_000 } });
  const [one, two] = ['a', 'b'].map(
    (name) => new RestTarget(`${running.as('alice')}/alice/${name}/`),
  ) as [RestTarget, RestTarget];
  await one.prepare();
  await two.prepare();
  const first = object('data', 6000);
  await one.put(first.ref, first.body);
  const second = object('data', 5000);
  await assert.rejects(two.put(second.ref, second.body), { fault: 'full' });
  await assert.rejects(two.put({ ...second.ref, name: 'a'.repeat(64) }, [Buffer.alloc(3000)]), {
    fault: 'broken',
  });
  const third = object('index', 4000);
  await two.put(third.ref, third.body);
  await one.remove(first.ref);
  await two.put(second.ref, second.body);
  const another = new LocalStorage(running.storage);
  assert.equal((await another.repositories('alice')).length, 0, 'no config, no repository');
  await one.close();
  await two.close();
});

test('a body that is not what its name says is refused, and nothing of it stays', async () => {
  await using running = await runBackupServer({ alice: {} });
  const target = new RestTarget(`${running.as('alice')}/alice/`);
  await target.prepare();
  const { ref } = object('data', 100);
  await assert.rejects(target.put(ref, [Buffer.alloc(100)]), { fault: 'broken' });
  assert.equal(await target.stat(ref), undefined);
  assert.deepEqual(await target.list('data'), []);
  await target.close();
});

test('paths lead into the storage or nowhere', () => {
  const name = createHash('sha256').digest('hex');
  for (const bad of [
    '/',
    '//data/',
    '/../alice/',
    '/alice/../bob/',
    '/alice/.hidden/',
    '/alice/data/../config',
    `/alice/data/${name}/`,
    `/alice/data/${name.toUpperCase()}`,
    '/alice/data/..',
    '/alice%2f..%2fbob/',
    '/a/b/c/d/e/',
    '/data/',
    '/config',
    '/alice',
    `/alice/other/${name}`,
    `/${'a'.repeat(2000)}/`,
    '/alice\\bob/',
    '/alice/\u0000/',
  ]) {
    assert.equal(routeOf(bad), undefined, bad);
  }
  assert.deepEqual(routeOf('/alice/laptop/config'), {
    about: 'object',
    path: 'alice/laptop',
    ref: { kind: 'config', name: '' },
  });
  assert.deepEqual(routeOf('/alice/data/'), { about: 'kind', path: 'alice', kind: 'data' });
  assert.deepEqual(routeOf('/alice/'), { about: 'repository', path: 'alice' });
});

test('version 1 clients get names, version 2 clients sizes too', async () => {
  await using running = await runBackupServer({ alice: {} });
  const target = new RestTarget(`${running.as('alice')}/alice/`);
  await target.prepare();
  const { ref, body } = object('keys', 50);
  await target.put(ref, body);
  await target.close();
  const url = new URL(`${running.as('alice')}/alice/keys/`);
  const authorization = `Basic ${Buffer.from(`${url.username}:${url.password}`).toString('base64')}`;
  url.username = '';
  url.password = '';
  const one = await fetch(url, { headers: { authorization } });
  assert.deepEqual(await one.json(), [ref.name]);
  const two = await fetch(url, {
    headers: { authorization, accept: 'application/vnd.x.restic.rest.v2' },
  });
  assert.deepEqual(await two.json(), [{ name: ref.name, size: 50 }]);
  assert.equal(two.headers.get('content-type'), 'application/vnd.x.restic.rest.v2');
});

test('broken uploads, rubbish and slow clients harm nobody else', async () => {
  await using running = await runBackupServer({ alice: {} }, { memory: 1 << 20 });
  const { port } = new URL(running.server.origin);
  const login = new URL(running.as('alice'));
  const authorization = Buffer.from(`${login.username}:${login.password}`).toString('base64');
  const head = (path: string, length: number): string =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${authorization}\r\n` +
    `Content-Length: ${length}\r\n\r\n`;
  const sockets = [];
  for (const text of [
    'rubbish\r\n\r\n',
    `${head(`/alice/data/${'a'.repeat(64)}`, 700_000)}half`,
    head(`/alice/data/${'b'.repeat(64)}`, 4 * 2 ** 30),
    'GET /alice/keys/ HTTP/1.1\r\nHost: x\r\n',
  ]) {
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(text);
    sockets.push(socket);
  }
  await sleep(100);
  const target = new RestTarget(`${running.as('alice')}/alice/`);
  await target.prepare();
  const small = object('data', 200_000);
  await target.put(small.ref, small.body);
  // This one has to wait for the share that the half upload holds.
  const large = object('data', 900_000);
  const waiting = target.put(large.ref, large.body);
  sockets[1]?.destroy();
  await waiting;
  assert.equal((await target.list('data')).length, 2);
  for (const socket of sockets) socket.destroy();
  await target.close();
  assert.deepEqual(running.warnings, []);
  const log = JSON.stringify(running.accesses);
  assert.ok(!log.includes(small.ref.name) && !log.includes('127.0.0.1'));
});

test('accounts that change are taken up, and a broken file leaves the old ones', async () => {
  await using running = await runBackupServer({ alice: { appendOnly: true } });
  const target = new RestTarget(`${running.as('alice')}/alice/`);
  await target.prepare();
  const { ref, body } = object('data', 100);
  await target.put(ref, body);
  await assert.rejects(target.remove(ref), denied);
  const before = readFileSync(running.accounts, 'utf8');
  writeFileSync(running.accounts, '{');
  while (running.warnings.length === 0) await sleep(50);
  await assert.rejects(target.remove(ref), denied);
  writeFileSync(running.accounts, before.replace('"appendOnly":true', '"appendOnly":false'));
  for (;;) {
    const done = await target.remove(ref).then(
      () => true,
      () => false,
    );
    if (done) break;
    await sleep(50);
  }
  await target.close();
});

test('files of accounts that cannot be are refused by name', () => {
  const secret = `sha256:${'0'.repeat(64)}`;
  for (const [text, what] of [
    ['[]', /no object/],
    ['{"../x":{}}', /name of an account/],
    ['{"alice":{"secret":"plain"}}', /secret of `alice`/],
    [`{"alice":{"secret":"${secret}","quota":-1}}`, /quota/],
    [`{"alice":{"secret":"${secret}","folders":["a/b"]}}`, /folders/],
    [`{"alice":{"secret":"${secret}","admin":true}}`, /unknown setting `admin`/],
    [`{"data":{"secret":"${secret}"}}`, /name of an account/],
  ] as const) {
    assert.throws(() => parseAccounts(text), what);
  }
});

test('without TLS only loopback is listened on', async () => {
  await using running = await runBackupServer({ alice: {} });
  await assert.rejects(
    startBackupServer({
      storage: new LocalStorage(running.storage),
      accounts: running.accounts,
      host: '0.0.0.0',
      port: 0,
    }),
    /loopback alone/,
  );
});
