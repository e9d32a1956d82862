// Keys made by openssl, ssh-keygen and Node come in, in every form that these programs write.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  verify,
} from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { cliAt } from '../support/cli.ts';
import { startStrongroom } from '../support/strongroom.ts';
import type { Running } from '../support/strongroom.ts';

const folder = mkdtempSync(join(tmpdir(), 'strongroom-import-'));
const file = (name: string): string => join(folder, name);
let running: Running;
before(async () => {
  running = await startStrongroom();
});
after(async () => {
  await running[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});
const cli = (...words: readonly string[]) => cliAt(running.home)(...words);

function program(name: string, words: readonly string[], input = ''): void {
  const done = spawnSync(name, words, { cwd: folder, input });
  assert.equal(done.status, 0, `${name} ${words.join(' ')}: ${done.stderr?.toString() ?? ''}`);
}

const missing = ['openssl', 'ssh-keygen'].filter((name) => spawnSync('which', [name]).status !== 0);
const skip =
  missing.length > 0 && process.env['CI'] !== 'true'
    ? `not installed: ${missing.join(', ')}`
    : false;

/** Imports a file and has the key sign; the public half that came with the file judges. */
async function comesIn(
  name: string,
  path: string,
  type: string,
  publicPem: string,
  ...options: readonly string[]
): Promise<void> {
  const made = await cli('key', 'import', name, '--in', path, ...options, '--json');
  assert.equal(made.status, 0, `${name}: ${made.err}`);
  const told = JSON.parse(made.text) as Record<string, unknown>;
  assert.equal(told['type'], type);
  assert.equal(told['local'], false);
  assert.equal(told['neverExtractable'], false, 'it was outside once');
  assert.equal(told['extractable'], false);
  assert.equal((await cli('key', 'show', name, '--format', 'pem')).text, publicPem);

  writeFileSync(file('data'), `a letter for ${name}`);
  const { out, status, err } = await cli('key', 'sign', name, '--in', file('data'));
  assert.equal(status, 0, err);
  const key = createPublicKey(publicPem);
  const hash =
    type.startsWith('rsa') || type === 'ec-p256' || type === 'ec-secp256k1' ? 'sha256' : null;
  const digest = type === 'ec-p384' ? 'sha384' : type === 'ec-p521' ? 'sha512' : hash;
  const pss = { padding: 6, saltLength: 32 };
  const form = type.startsWith('rsa')
    ? { key, ...pss }
    : { key, dsaEncoding: 'ieee-p1363' as const };
  assert.ok(verify(digest, readFileSync(file('data')), form, out), name);
}

const publicOf = (pem: string): string =>
  createPublicKey(createPrivateKey(pem)).export({ format: 'pem', type: 'spki' });

test('PEM and DER as openssl writes them, encrypted or not', { skip }, async () => {
  program('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', 'ed.pem']);
  const ed = readFileSync(file('ed.pem'), 'utf8');
  await comesIn('ed-pem', file('ed.pem'), 'ed25519', publicOf(ed));

  program('openssl', ['ecparam', '-genkey', '-name', 'prime256v1', '-out', 'sec1.pem']);
  const sec1 = readFileSync(file('sec1.pem'), 'utf8');
  assert.match(sec1, /BEGIN EC PARAMETERS[^]*BEGIN EC PRIVATE KEY/);
  await comesIn('ec-sec1', file('sec1.pem'), 'ec-p256', publicOf(sec1));
  program('openssl', ['ec', '-in', 'sec1.pem', '-outform', 'DER', '-out', 'sec1.der']);
  await comesIn('ec-sec1-der', file('sec1.der'), 'ec-p256', publicOf(sec1));

  program('openssl', ['genrsa', '-traditional', '-out', 'pkcs1.pem', '2048']);
  const pkcs1 = readFileSync(file('pkcs1.pem'), 'utf8');
  assert.match(pkcs1, /BEGIN RSA PRIVATE KEY/);
  await comesIn('rsa-pkcs1', file('pkcs1.pem'), 'rsa-2048', publicOf(pkcs1));
  program('openssl', [
    'rsa',
    '-in',
    'pkcs1.pem',
    '-traditional',
    '-outform',
    'DER',
    '-out',
    'pkcs1.der',
  ]);
  await comesIn('rsa-pkcs1-der', file('pkcs1.der'), 'rsa-2048', publicOf(pkcs1));

  const pkcs8 = [
    'pkcs8',
    '-topk8',
    '-in',
    'ed.pem',
    '-v2',
    'aes-256-cbc',
    '-passout',
    'pass:opensesame',
  ];
  program('openssl', [...pkcs8, '-out', 'locked.pem']);
  program('openssl', [...pkcs8, '-outform', 'DER', '-out', 'locked.der']);
  writeFileSync(file('passphrase'), 'opensesame\n');
  writeFileSync(file('wrong'), 'opensesami\n');
  const without = await cli('key', 'import', 'locked', '--in', file('locked.pem'));
  assert.equal(without.status, 2);
  assert.match(without.err, /encrypted[^]*--passphrase-file/);
  const wrong = ['--in', file('locked.pem'), '--passphrase-file', file('wrong')];
  assert.equal((await cli('key', 'import', 'locked', ...wrong)).status, 2);
  const right = ['--passphrase-file', file('passphrase')];
  await comesIn('locked', file('locked.pem'), 'ed25519', publicOf(ed), ...right);
  await comesIn('locked-der', file('locked.der'), 'ed25519', publicOf(ed), ...right);

  program('openssl', ['pkey', '-in', 'ed.pem', '-pubout', '-out', 'public.pem']);
  const half = await cli('key', 'import', 'half', '--in', file('public.pem'));
  assert.equal(half.status, 2);
  assert.match(half.err, /holds no private key/);
});

test(
  'OpenSSH keys of every type, and a clear word about those with a passphrase',
  { skip },
  async () => {
    for (const [type, bits, ours] of [
      ['ed25519', '256', 'ed25519'],
      ['ecdsa', '256', 'ec-p256'],
      ['ecdsa', '384', 'ec-p384'],
      ['ecdsa', '521', 'ec-p521'],
      ['rsa', '2048', 'rsa-2048'],
      ['rsa', '3072', 'rsa-3072'],
    ] as const) {
      const name = `ssh-${ours}`;
      program('ssh-keygen', ['-q', '-t', type, '-b', bits, '-N', '', '-C', 'me', '-f', name]);
      assert.match(readFileSync(file(name), 'utf8'), /BEGIN OPENSSH PRIVATE KEY/);
      const line = readFileSync(file(`${name}.pub`), 'utf8')
        .split(' ')
        .slice(0, 2)
        .join(' ');
      const made = await cli('key', 'import', name, '--in', file(name));
      assert.equal(made.status, 0, made.err);
      const shown = await cli('key', 'show', name, '--format', 'ssh');
      assert.equal(shown.text, `${line} ${name}\n`);
      const pem = (await cli('key', 'show', name, '--format', 'pem')).text;
      await cli('key', 'destroy', name, '--yes');
      await comesIn(name, file(name), ours, pem);
    }
    program('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'opensesame', '-f', 'ssh-locked']);
    const locked = await cli('key', 'import', 'x', '--in', file('ssh-locked'));
    assert.equal(locked.status, 2);
    assert.match(locked.err, /passphrase[^]*ssh-add[^]*ssh-keygen -p/);

    const text = readFileSync(file('ssh-ed25519'), 'utf8');
    const [head = '', ...lines] = text.split('\n');
    const body = Buffer.from(lines.slice(0, -2).join(''), 'base64');
    for (let index = 0; index < body.length; index += 7) {
      const spoiled = Buffer.from(body);
      spoiled[index] = (spoiled[index] ?? 0) ^ 0x55;
      writeFileSync(
        file('spoiled'),
        `${head}\n${spoiled.toString('base64')}\n${lines.at(-2) ?? ''}\n`,
      );
      const said = await cli('key', 'import', `spoiled-${index}`, '--in', file('spoiled'));
      // The comment and the padding are bound by nothing; every other byte must be noticed.
      if (said.status !== 0)
        assert.ok([1, 2].includes(said.status) && !/internal/i.test(said.err), said.err);
      else
        assert.equal(
          (await cli('key', 'show', `spoiled-${index}`, '--format', 'ssh')).text.split(' ')[1],
          readFileSync(file('ssh-ed25519.pub'), 'utf8').split(' ')[1],
        );
    }
  },
);

test('JWKs and the bytes of secret keys', async () => {
  const pairs = {
    'jwk-ed448': generateKeyPairSync('ed448'),
    'jwk-p384': generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
    'jwk-k1': generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
    'jwk-mldsa': generateKeyPairSync('ml-dsa-65'),
  };
  const types = ['ed448', 'ec-p384', 'ec-secp256k1', 'ml-dsa-65'];
  for (const [index, [name, pair]] of Object.entries(pairs).entries()) {
    writeFileSync(file(name), JSON.stringify(pair.privateKey.export({ format: 'jwk' })));
    const pem = pair.publicKey.export({ format: 'pem', type: 'spki' });
    await comesIn(name, file(name), types[index] ?? '', pem);
    const jwk = JSON.parse((await cli('key', 'show', name, '--format', 'jwk')).text) as object;
    assert.deepEqual(jwk, pair.publicKey.export({ format: 'jwk' }));
  }
  const [jwk, half] = [
    pairs['jwk-ed448'].privateKey.export({ format: 'jwk' }),
    pairs['jwk-ed448'].publicKey.export({ format: 'jwk' }),
  ];
  writeFileSync(file('half'), JSON.stringify(half));
  assert.match((await cli('key', 'import', 'half', '--in', file('half'))).err, /public key only/);
  writeFileSync(file('torn'), JSON.stringify(jwk).slice(0, -5));
  assert.equal((await cli('key', 'import', 'torn', '--in', file('torn'))).status, 2);
  // Private and public values of two different keys.
  const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const mine = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const { d } = mine.privateKey.export({ format: 'jwk' });
  const mixed = { ...other.publicKey.export({ format: 'jwk' }), d };
  writeFileSync(file('mixed'), JSON.stringify(mixed));
  assert.notEqual((await cli('key', 'import', 'mixed', '--in', file('mixed'))).status, 0);
  const value = randomBytes(32);
  writeFileSync(file('bytes'), value);
  const asAes = await cli('key', 'import', 'aes', '--in', file('bytes'), '--type', 'aes-256');
  assert.equal(asAes.status, 0, asAes.err);
  assert.equal(
    (await cli('key', 'import', 'short', '--in', file('bytes'), '--type', 'aes-128')).status,
    2,
  );
  writeFileSync(file('oct'), JSON.stringify({ kty: 'oct', k: value.toString('base64url') }));
  assert.match((await cli('key', 'import', 'oct', '--in', file('oct'))).err, /--type/);
  const octet = ['--in', file('oct'), '--type', 'hmac-sha256'];
  assert.equal((await cli('key', 'import', 'oct', ...octet)).status, 0);
  writeFileSync(file('data'), 'a letter');
  const { out } = await cli('key', 'sign', 'oct', '--in', file('data'));
  assert.deepEqual(out, createHmac('sha256', value).update('a letter').digest());

  for (const nonsense of [
    '',
    'hello',
    '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
  ]) {
    writeFileSync(file('nonsense'), nonsense);
    const said = await cli('key', 'import', 'nonsense', '--in', file('nonsense'));
    assert.equal(said.status, 2, nonsense);
  }
  const taken = await cli('key', 'import', 'aes', '--in', file('bytes'), '--type', 'aes-256');
  assert.match(taken.err, /exists already/);
});
