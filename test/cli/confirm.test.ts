// A key marked `confirm` asks the person, whoever wants to use it: allowed, refused, and not answered.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { cliAt } from '../support/cli.ts';
import type { Cli } from '../support/cli.ts';
import { CLIENT_MODULE, PIN, skipWithout, startToken } from '../support/pkcs11.ts';
import { startStrongroom, temporaryHome } from '../support/strongroom.ts';
import { onTerminal } from '../support/terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'strongroom-confirm-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string): string => join(folder, name);
writeFileSync(file('data'), 'a letter');

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** A program that goes on while the test answers its question. */
function started(name: string, words: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const child = spawn(name, words, { env, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, out, err }));
  });
}

interface Question {
  readonly id: number;
  readonly question: string;
}

async function question(cli: Cli, seconds = 60): Promise<Question> {
  const { text } = await cli('confirm', '--wait', String(seconds), '--list', '--json');
  const [first] = JSON.parse(text) as Question[];
  assert.ok(first !== undefined, 'a question waits');
  return first;
}

/** The next question, or never: for racing against the end of a program. */
function questionSoon(cli: Cli): Promise<Question> {
  return question(cli, 5).catch(() => new Promise<Question>(() => undefined));
}

test(
  'the command line, ssh and PKCS#11 ask, and do what the answer says',
  { skip: skipWithout('pkcs11-tool', 'ssh-keygen', 'openssl') },
  async () => {
    await using token = await startToken();
    const cli = cliAt(token.running.home);
    const agent = {
      ...token.environment,
      SSH_AUTH_SOCK: join(token.running.home, 'ssh-agent.sock'),
    };
    assert.equal(
      (await cli('key', 'create', 'careful', '--type', 'ec-p256', '--confirm')).status,
      0,
    );
    assert.match((await cli('key', 'list')).text, /careful .*asks before use/);
    writeFileSync(
      file('careful.pub'),
      (await cli('key', 'show', 'careful', '--format', 'ssh')).text,
    );
    writeFileSync(file('digest'), Buffer.alloc(32, 1));
    const tool = ['--module', CLIENT_MODULE, '--login', '--pin', PIN, '--sign', '-m', 'ECDSA'];
    const users = [
      {
        asks: /^client \(.*process \d+\) wants to sign with `careful`$/,
        start: async (): Promise<Ended> => {
          const { status, out, err } = await cli('key', 'sign', 'careful', '--in', file('data'));
          return { status, out: out.toString('latin1'), err };
        },
        refused: { status: 3, err: /not confirmed\nhint: .*strongroom confirm/ },
      },
      {
        asks: /^ssh-agent \(ssh-keygen, process \d+\) wants to sign with `careful` for a signature in the namespace `file`$/,
        start: () => {
          rmSync(file('data.sig'), { force: true });
          return started(
            'ssh-keygen',
            ['-Y', 'sign', '-n', 'file', '-f', 'careful.pub', 'data'],
            agent,
          );
        },
        refused: { status: 255, err: /agent refused operation/ },
      },
      {
        asks: /^pkcs11 \(pkcs11-tool, process \d+\) wants to sign with `careful`$/,
        start: () =>
          started(
            'pkcs11-tool',
            [...tool, '--label', 'careful', '-i', 'digest', '-o', 'out'],
            agent,
          ),
        refused: { status: 1, err: /CKR_FUNCTION_REJECTED|0x200/ },
      },
    ];
    for (const { asks, start, refused } of users) {
      const first = start();
      const { id, question: asked } = await question(cli);
      assert.match(asked, asks);
      assert.equal((await cli('confirm', '--allow', String(id))).status, 0);
      const { status, err } = await first;
      assert.equal(status, 0, err);

      const second = start();
      const again = await question(cli);
      assert.notEqual(again.id, id);
      assert.equal(
        (await cli('confirm', '--allow', String(id))).status,
        2,
        'an old answer is none',
      );
      assert.equal((await cli('confirm', '--refuse', String(again.id))).status, 0);
      // pkcs11-tool tries once more, in parts, what was refused as a whole.
      const no = await Promise.race([second, questionSoon(cli)]).then(async (next) => {
        if ('id' in next) await cli('confirm', '--refuse', String(next.id));
        return await second;
      });
      assert.equal(no.status, refused.status, no.err);
      assert.match(no.err, refused.err);
    }
    assert.equal((await cli('confirm')).text, 'nothing waits\n');
    assert.equal((await cli('confirm', '--allow', '1', '--refuse', '2')).status, 2);
    assert.deepEqual(
      readFileSync(file('data.sig'), { encoding: 'utf8', flag: 'a+' }),
      '',
      'refused: no signature',
    );
  },
);

test(
  'no answer in time is a no, for each of them',
  { skip: skipWithout('pkcs11-tool', 'ssh-keygen') },
  async () => {
    await using token = await startToken(['--confirm-seconds', '1']);
    const cli = cliAt(token.running.home);
    const agent = {
      ...token.environment,
      SSH_AUTH_SOCK: join(token.running.home, 'ssh-agent.sock'),
    };
    assert.equal(
      (await cli('key', 'create', 'careful', '--type', 'ec-p256', '--confirm')).status,
      0,
    );
    writeFileSync(
      file('careful.pub'),
      (await cli('key', 'show', 'careful', '--format', 'ssh')).text,
    );
    writeFileSync(file('digest'), Buffer.alloc(32, 1));
    const tool = ['--module', CLIENT_MODULE, '--login', '--pin', PIN, '--sign', '-m', 'ECDSA'];
    const [client, ssh, pkcs11] = await Promise.all([
      cli('key', 'sign', 'careful', '--in', file('data')),
      started('ssh-keygen', ['-Y', 'sign', '-n', 'file', '-f', 'careful.pub', 'data'], agent),
      started('pkcs11-tool', [...tool, '--label', 'careful', '-i', 'digest', '-o', 'out'], agent),
    ]);
    assert.equal(client.status, 3);
    assert.match(ssh.err, /agent refused operation/);
    assert.match(pkcs11.err, /CKR_FUNCTION_REJECTED|0x200/);
    assert.equal((await cli('confirm', '--list', '--json')).text, '[]\n');
  },
);

test('more questions than a person can read are refused at once', async () => {
  await using running = await startStrongroom();
  const cli = cliAt(running.home);
  assert.equal((await cli('key', 'create', 'careful', '--confirm')).status, 0);
  const asked = Array.from({ length: 10 }, () =>
    cli('key', 'sign', 'careful', '--in', file('data')),
  );
  const first = await Promise.race([
    ...asked.map(async (each) => (await each).status),
    wait(60_000).then(() => undefined),
  ]);
  assert.equal(first, 3, 'the ninth is refused while eight wait');
  const waiting = JSON.parse((await cli('confirm', '--list', '--json')).text) as Question[];
  assert.equal(waiting.length, 8);
  for (const { id } of waiting)
    assert.equal((await cli('confirm', '--allow', String(id))).status, 0);
  const statuses = (await Promise.all(asked)).map(({ status }) => status).sort((a, b) => a - b);
  assert.deepEqual(statuses, [0, 0, 0, 0, 0, 0, 0, 0, 3, 3]);
});

const noScript = spawnSync('script', ['--version']).status !== 0 && process.env['CI'] !== 'true';

test(
  'the terminal of `strongroom up` asks, one after the other, and Ctrl-C still ends it',
  { skip: noScript && 'script(1) is not installed' },
  async () => {
    const home = temporaryHome();
    const cli = cliAt(home);
    const main = join(dirname(dirname(import.meta.dirname)), 'src/cli/main.ts');
    await using up = onTerminal([process.execPath, main, 'up'], {
      ...process.env,
      STRONGROOM_HOME: home,
    });
    try {
      await up.sees(/Ctrl-C stops it/);
      assert.equal((await cli('key', 'create', 'careful', '--confirm')).status, 0);
      const sign = () => cli('key', 'sign', 'careful', '--in', file('data'));
      const questions = (): number => up.said().split('Allow it? [y/N]').length - 1;
      const asked = async (count: number): Promise<void> => {
        while (questions() < count) await wait(20);
        // What comes sooner counts as typed before the question stood there.
        await wait(300);
      };

      const allowed = sign();
      await asked(1);
      assert.match(
        up.said(),
        /client \(\S+, process \d+\) wants to sign with `careful`\. Allow it\?/,
      );
      up.type('y\n');
      assert.equal((await allowed).status, 0);

      const refused = sign();
      await asked(2);
      up.type('\n');
      assert.equal((await refused).status, 3, 'silence is a no');

      // Typed ahead: no answer to a question that nobody had read.
      up.type('y\ny\n');
      await wait(100);
      const both = [sign(), sign()];
      await asked(3);
      assert.equal(questions(), 3, 'the second waits for the first');
      const pending = JSON.parse((await cli('confirm', '--list', '--json')).text) as Question[];
      assert.equal(pending.length, 2, 'and neither is answered');
      up.type('yes\n');
      await asked(4);
      assert.equal((await cli('confirm', '--refuse', String(pending[1]?.id))).status, 0);
      const statuses = (await Promise.all(both)).map(({ status }) => status).sort((a, b) => a - b);
      assert.deepEqual(statuses, [0, 3]);
      await up.sees(/answered elsewhere/);

      const last = sign();
      await asked(5);
      up.type('\x03');
      assert.equal(await up.ended, 0, up.said());
      assert.equal((await last).status, 1);
    } finally {
      rmSync(dirname(home), { recursive: true, force: true });
    }
  },
);
