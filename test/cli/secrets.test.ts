// PINs and passphrases: from files, descriptors, variables and the terminal, never from the words.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { commands } from '../../src/cli/commands.ts';
import { cliAt } from '../support/cli.ts';
import { startStrongroom, temporaryHome } from '../support/strongroom.ts';
import { onTerminal } from '../support/terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'strongroom-secrets-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const program = join(dirname(dirname(import.meta.dirname)), 'src/cli/main.ts');
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const none = spawnSync('script', ['--version']).status !== 0;
const skip = none && process.env['CI'] !== 'true' ? 'script(1) is not installed' : false;

interface Pins {
  readonly pins: {
    readonly user: { failures: number; locked: boolean };
    readonly securityOfficer: { failures: number };
  };
}

test('no command takes a secret as the value of an option', async () => {
  for (const { name, load } of commands) {
    const { options } = await load();
    for (const [option, { type }] of Object.entries(options)) {
      const secretive = /pin|passphrase|password|secret/.test(option);
      assert.ok(
        !secretive || type === 'boolean' || /-(file|fd)$/.test(option),
        `${name} --${option}`,
      );
    }
  }
});

test('PINs are changed, counted and set anew', async () => {
  const home = temporaryHome();
  const [pin, soPin] = [file('pin', '12345678\n'), file('so-pin', '87654321\r\n')];
  const made = spawnSync(
    process.execPath,
    [program, 'init', '--pin-file', pin, '--so-pin-file', soPin, '--label', 'Mine', '--json'],
    { env: { ...process.env, STRONGROOM_HOME: home }, encoding: 'utf8' },
  );
  assert.equal(made.status, 0, made.stderr);
  assert.ok(!made.stdout.includes('12345678'), 'a PIN that was given is not shown');
  await using running = await startStrongroom(home);
  const cli = cliAt(home);
  const pins = async () => (JSON.parse((await cli('status', '--json')).text) as Pins).pins;
  const newPin = file('new-pin', '11112222');

  const change = ['pin', 'change', '--pin-file', pin, '--new-pin-file', newPin];
  assert.equal((await cli(...change)).status, 0);
  const again = await cli(...change);
  assert.equal(again.status, 1);
  assert.match(again.err, /the PIN is wrong\nhint: 9 tries are left/);
  assert.equal((await pins()).user.failures, 1);
  const short = await cli(
    'pin',
    'change',
    '--pin-file',
    newPin,
    '--new-pin-file',
    file('s', '123'),
  );
  assert.match(short.err, /6 to 64 bytes/);

  // By descriptor and by variable.
  const descriptor = openSync(newPin, 'r');
  const byFd = await cliAt(home, { STRONGROOM_NEW_PIN_FILE: pin })(
    'pin',
    'change',
    '--pin-fd',
    String(descriptor),
  );
  closeSync(descriptor);
  assert.equal(byFd.status, 0, byFd.err);
  assert.equal((await pins()).user.failures, 0, 'a right PIN sets the count back');

  for (let round = 0; round < 3; round++) {
    const tried = await cli(
      'pin',
      'change',
      '--pin-file',
      file('w', '000000'),
      '--new-pin-file',
      pin,
    );
    assert.equal(tried.status, 1);
  }
  assert.deepEqual((await pins()).user, { set: true, failures: 3, locked: false });
  assert.match((await cli('status')).text, /PIN +set, 7 tries left/);

  const unblock = ['pin', 'unblock', '--new-pin-file', newPin, '--so-pin-file'];
  assert.equal((await cli(...unblock, pin)).status, 1, 'not with a wrong PIN of the officer');
  assert.equal((await pins()).securityOfficer.failures, 1);
  assert.equal((await cli(...unblock, soPin)).status, 0);
  assert.equal((await pins()).user.failures, 0);
  assert.equal((await cli('pin', 'change', '--pin-file', newPin, '--new-pin-file', pin)).status, 0);

  const officer = ['pin', 'change', '--so', '--pin-file', soPin, '--new-pin-file', newPin];
  assert.equal((await cli(...officer)).status, 0);
  assert.equal((await cli(...unblock, newPin)).status, 0);
  assert.equal(running.home, home);
  assert.equal(
    (await cli('pin', 'change', '--pin-file', file('e', '\nsecond'))).status,
    2,
    'empty',
  );
  assert.equal((await cli('pin', 'change', '--pin-file', '/nonexistent')).status, 2);
  assert.equal((await cli('pin', 'change', '--pin-fd', '99')).status, 2);
});

test('a strongroom opens with its passphrase only, and counts wrong ones', async () => {
  const home = temporaryHome();
  const cli = cliAt(home);
  const [right, wrong] = [file('right', 'correct horse\n'), file('wrong', 'wrong horse\n')];
  const made = spawnSync(process.execPath, [program, 'init', '--passphrase-file', right], {
    env: { ...process.env, STRONGROOM_HOME: home },
    encoding: 'utf8',
  });
  assert.equal(made.status, 0, made.stderr);
  await using running = await startStrongroom(home);
  assert.equal((await cli('status', '--wait', '20')).status, 4, 'up, and locked');
  assert.equal((await cli('key', 'list')).status, 4);
  const refused = await cli('unlock', '--passphrase-file', wrong);
  assert.equal(refused.status, 3);
  assert.match(refused.err, /the passphrase is wrong\nhint: 9 tries are left/);
  assert.equal((await cliAt(home, { STRONGROOM_PASSPHRASE_FILE: right })('unlock')).status, 0);
  assert.equal((await cli('status')).status, 0);
  assert.equal((await cli('unlock')).status, 0, 'open already');
  assert.equal((await cli('lock')).status, 0);
  assert.equal((await cli('key', 'list')).status, 4);
  await running.stop();

  // And by itself, where `up` is told where the passphrase lies; also after the key process died.
  await using second = await startStrongroom(home, ['--passphrase-file', right]);
  const { pid } = JSON.parse((await cli('status', '--wait', '20', '--json')).text) as {
    pid: number;
  };
  process.kill(pid, 'SIGKILL');
  for (let tries = 0; tries < 200; tries++) {
    const now = await cli('status', '--wait', '60', '--json');
    if (now.status === 0 && (JSON.parse(now.text) as { pid: number }).pid !== pid) break;
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
  }
  assert.equal((await cli('key', 'list')).status, 0);
  assert.equal(second.home, home);
});

test('the terminal asks without echo, twice for what is new', { skip }, async () => {
  const home = temporaryHome();
  const environment = { ...process.env, STRONGROOM_HOME: home };
  const command = (...words: readonly string[]) =>
    onTerminal([process.execPath, program, ...words], environment);

  await using differs = command('init', '--passphrase');
  await differs.sees(/passphrase of the strongroom: /);
  differs.type('correct horse\r');
  await differs.sees(/once more: /);
  differs.type('another horse\r');
  assert.equal(await differs.ended, 2);
  assert.match(differs.said(), /the two are not the same/);

  await using init = command('init', '--passphrase');
  await init.sees(/passphrase of the strongroom: /);
  // With a mistake taken back: one letter of two bytes.
  init.type('correct horzé\x7f\x7fse\r');
  await init.sees(/once more: /);
  init.type('rubbish\x15correct horse\r');
  assert.equal(await init.ended, 0, init.said());
  assert.doesNotMatch(init.said(), /hor[sz]|rubbish/, 'nothing of it stands on the screen');
  const pin = /PIN +(\d{10})/.exec(init.said())?.[1] ?? '';
  assert.equal(pin.length, 10);

  await using running = await startStrongroom(home);
  await using cancelled = command('unlock');
  await cancelled.sees(/passphrase of the strongroom: /);
  cancelled.type('\x03');
  assert.equal(await cancelled.ended, 1);
  await using unlock = command('unlock');
  await unlock.sees(/passphrase of the strongroom: /);
  unlock.type('correct horse\r');
  assert.equal(await unlock.ended, 0, unlock.said());

  await using change = command('pin', 'change');
  await change.sees(/^PIN: /m);
  change.type(`${pin}\r`);
  await change.sees(/new PIN: /);
  change.type('99998888\r');
  await change.sees(/new PIN, once more: /);
  change.type('99998888\r');
  assert.equal(await change.ended, 0, change.said());
  assert.doesNotMatch(change.said(), new RegExp(`${pin}|99998888`));

  const destroy = ['key', 'destroy', 'precious'];
  assert.equal((await cliAt(home)('key', 'create', 'precious')).status, 0);
  await using no = command(...destroy);
  await no.sees(/Type its name/);
  no.type('preciuos\n');
  assert.equal(await no.ended, 2);
  await using yes = command(...destroy);
  await yes.sees(/Type its name/);
  yes.type('precious\n');
  assert.equal(await yes.ended, 0, yes.said());
  assert.equal(running.home, home);
});

test('without a terminal the command says where a secret may come from', () => {
  const said = spawnSync('setsid', ['-w', process.execPath, program, 'pin', 'change'], {
    env: { ...process.env, STRONGROOM_HOME: join(folder, 'none') },
    encoding: 'utf8',
    input: '',
  });
  assert.equal(said.status, 2, said.stderr);
  assert.match(
    said.stderr,
    /no terminal[^]*--pin-file FILE or --pin-fd NUMBER[^]*STRONGROOM_PIN_FILE/,
  );
});
