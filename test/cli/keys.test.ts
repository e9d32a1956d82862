// What the command line does with keys, judged by openssl and by Node outside.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  constants,
  createDecipheriv,
  createHash,
  createPublicKey,
  privateDecrypt,
  generateKeyPairSync,
  publicEncrypt,
  randomBytes,
  verify,
} from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connectKeys } from '../../src/keys/client.ts';
import { CKA, CKM } from '../../src/keys/engine/pkcs11.ts';
import { cliAt } from '../support/cli.ts';
import { startStrongroom } from '../support/strongroom.ts';
import type { Running } from '../support/strongroom.ts';

const folder = mkdtempSync(join(tmpdir(), 'strongroom-cli-'));
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

async function done(...words: readonly string[]): Promise<Buffer> {
  const { status, out, err } = await cli(...words);
  assert.equal(status, 0, `${words.join(' ')}: ${err}`);
  return out;
}

const openssl = spawnSync('which', ['openssl']).status === 0 || process.env['CI'] === 'true';

test('public keys come out as PEM, DER, JWK and OpenSSH, and as files', async () => {
  const known = {
    ed25519: { kty: 'OKP', ssh: /^ssh-ed25519 \S+ ed25519$/ },
    'ec-p256': { kty: 'EC', ssh: /^ecdsa-sha2-nistp256 \S+ ec-p256$/ },
    'rsa-2048': { kty: 'RSA', ssh: /^ssh-rsa \S+ rsa-2048$/ },
    x25519: { kty: 'OKP', ssh: undefined },
    'ml-dsa-44': { kty: 'AKP', ssh: undefined },
    'ml-kem-768': { kty: 'AKP', ssh: undefined },
  };
  for (const [type, { kty, ssh }] of Object.entries(known)) {
    await done('key', 'create', type, '--type', type);
    const pem = createPublicKey((await done('key', 'show', type, '--format', 'pem')).toString());
    const der = await done('key', 'show', type, '--format', 'der');
    assert.deepEqual(pem.export({ format: 'der', type: 'spki' }), der);
    const jwk = JSON.parse((await done('key', 'show', type, '--format', 'jwk')).toString()) as {
      kty: string;
    };
    assert.ok(createPublicKey({ key: jwk, format: 'jwk' }).equals(pem));
    assert.equal(jwk.kty, kty);
    const line = await cli('key', 'show', type, '--format', 'ssh');
    if (ssh === undefined) {
      assert.equal(line.status, 2);
      assert.match(line.err, /SSH has no keys of type/);
    } else {
      assert.match(line.text.trimEnd(), ssh);
    }
    assert.match((await cli('key', 'show', type)).text, /never leaves[^]*BEGIN PUBLIC KEY/);
    await done('key', 'show', type, '--out', file('public'));
    assert.match(readFileSync(file('public'), 'utf8'), /^-----BEGIN PUBLIC KEY/);
  }
  assert.equal((await cli('key', 'show', 'ed25519', '--format', 'xml')).status, 2);
  const json = JSON.parse((await cli('key', 'show', 'ed25519', '--json')).text) as object;
  assert.ok('publicKeyInfo' in json && 'id' in json);
});

test('signatures in every scheme and form are right outside', async () => {
  writeFileSync(file('data'), 'a letter\n');
  const data = readFileSync(file('data'));
  const publicKey = async (name: string) =>
    createPublicKey((await done('key', 'show', name, '--format', 'pem')).toString());
  for (const [type, hash] of [
    ['ec-p384', 'sha384'],
    ['ec-p521', 'sha512'],
    ['ec-secp256k1', 'sha256'],
  ] as const) {
    await done('key', 'create', type, '--type', type);
    const key = await publicKey(type);
    for (const [format, dsaEncoding] of [
      ['raw', 'ieee-p1363'],
      ['der', 'der'],
    ] as const) {
      const words = ['--in', file('data'), '--format', format];
      const signature = await done('key', 'sign', type, ...words);
      assert.ok(verify(hash, data, { key, dsaEncoding }, signature), `${type} ${format}`);
      writeFileSync(file('sig'), signature);
      const judge = ['key', 'verify', type, ...words, '--signature', file('sig')];
      await done(...judge);
      signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
      writeFileSync(file('sig'), signature);
      assert.equal((await cli(...judge)).status, 1);
    }
    writeFileSync(file('sig'), 'no der at all');
    const judge = ['--in', file('data'), '--format', 'der', '--signature', file('sig')];
    assert.equal((await cli('key', 'verify', type, ...judge)).status, 1);
  }
  await done('key', 'create', 'rsa', '--type', 'rsa-2048');
  const rsa = await publicKey('rsa');
  for (const hash of ['sha256', 'sha384', 'sha512']) {
    const pkcs1 = await done(
      'key',
      'sign',
      'rsa',
      '--in',
      file('data'),
      '--scheme',
      `rsa-pkcs1-${hash}`,
    );
    assert.ok(verify(hash, data, rsa, pkcs1));
    const pss = await done(
      'key',
      'sign',
      'rsa',
      '--in',
      file('data'),
      '--scheme',
      `rsa-pss-${hash}`,
    );
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    const saltLength = createHash(hash).digest().length;
    assert.ok(verify(hash, data, { key: rsa, padding, saltLength }, pss));
  }
  const wrong = await cli('key', 'sign', 'rsa', '--in', file('data'), '--scheme', 'ecdsa-sha256');
  assert.equal(wrong.status, 2);
  assert.match(wrong.err, /one of: rsa-pss-sha256/);
  assert.equal(
    (await cli('key', 'sign', 'rsa', '--in', file('data'), '--format', 'der')).status,
    2,
  );

  if (!openssl) return;
  await done('key', 'create', 'web', '--type', 'ec-p256');
  await done('key', 'show', 'web', '--out', file('web.pem'));
  await done(
    'key',
    'sign',
    'web',
    '--in',
    file('data'),
    '--format',
    'der',
    '--out',
    file('web.sig'),
  );
  const judged = spawnSync(
    'openssl',
    ['dgst', '-sha256', '-verify', 'web.pem', '-signature', 'web.sig', 'data'],
    { cwd: folder, encoding: 'utf8' },
  );
  assert.match(judged.stdout, /Verified OK/);
});

test('a file of any size is signed, where the scheme can take its digest', async () => {
  const big = randomBytes(20 << 20);
  writeFileSync(file('big'), big);
  await done('key', 'create', 'big-ec', '--type', 'ec-p256');
  await done('key', 'create', 'big-rsa', '--type', 'rsa-2048');
  await done('key', 'create', 'big-ed', '--type', 'ed25519');
  for (const [name, scheme, padding] of [
    ['big-ec', 'ecdsa-sha384', undefined],
    ['big-rsa', 'rsa-pss-sha256', constants.RSA_PKCS1_PSS_PADDING],
    ['big-rsa', 'rsa-pkcs1-sha512', constants.RSA_PKCS1_PADDING],
  ] as const) {
    const words = ['--in', file('big'), '--scheme', scheme];
    await done('key', 'sign', name, ...words, '--out', file('big.sig'));
    const key = createPublicKey((await done('key', 'show', name, '--format', 'pem')).toString());
    const judge = {
      key,
      dsaEncoding: 'ieee-p1363' as const,
      ...(padding === undefined ? {} : { padding }),
    };
    assert.ok(verify(scheme.split('-').at(-1), big, judge, readFileSync(file('big.sig'))), scheme);
    await done('key', 'verify', name, ...words, '--signature', file('big.sig'));
  }
  const refused = await cli('key', 'sign', 'big-ed', '--in', file('big'));
  assert.equal(refused.status, 2);
  assert.match(refused.err, /16711680 bytes at the most[^]*sha256sum/);
  await done('key', 'create', 'big-box', '--type', 'aes-256');
  assert.equal((await cli('key', 'encrypt', 'big-box', '--in', file('big'))).status, 2);
});

test('an extractable key goes out under another key and comes back; another never does', async () => {
  await done('key', 'create', 'transport', '--type', 'aes-256', '--purpose', 'wrap');
  await done('key', 'create', 'transport-rsa', '--type', 'rsa-3072', '--purpose', 'wrap');
  writeFileSync(file('data'), 'a letter');
  for (const [type, purpose, by] of [
    ['aes-256', 'encrypt', 'transport'],
    ['hmac-sha256', 'mac', 'transport-rsa'],
    ['ec-p256', 'sign', 'transport'],
    ['ed25519', 'sign', 'transport-rsa'],
    ['rsa-2048', 'sign', 'transport'],
    ['x25519', 'derive', 'transport'],
  ] as const) {
    const name = `out-${type}`;
    await done('key', 'create', name, '--type', type, '--purpose', purpose, '--extractable');
    const earlier = JSON.parse((await done('key', 'show', name, '--json')).toString()) as object;
    await done('key', 'wrap', name, '--with', by, '--out', file('wrapped'));
    assert.equal(statSync(file('wrapped')).mode & 0o077, 0, 'its owner alone reads it');
    if (purpose === 'sign')
      await done('key', 'sign', name, '--in', file('data'), '--out', file('sig'));
    if (purpose === 'encrypt')
      await done('key', 'encrypt', name, '--in', file('data'), '--out', file('sealed'));
    await done('key', 'destroy', name, '--yes');
    const wrongType = type === 'ec-p256' ? 'ec-p384' : 'ec-p256';
    const wrong = ['--with', by, '--in', file('wrapped'), '--type', wrongType];
    assert.notEqual((await cli('key', 'unwrap', name, ...wrong)).status, 0);
    assert.equal((await cli('key', 'show', name)).status, 1, 'nothing is left of the failure');
    await done(
      'key',
      'unwrap',
      name,
      '--with',
      by,
      '--in',
      file('wrapped'),
      '--type',
      type,
      '--purpose',
      purpose,
    );
    const back = JSON.parse((await done('key', 'show', name, '--json')).toString()) as {
      publicKeyInfo?: string;
      local: boolean;
      extractable: boolean;
    };
    assert.equal(back.publicKeyInfo, (earlier as { publicKeyInfo?: string }).publicKeyInfo);
    assert.deepEqual([back.local, back.extractable], [false, false]);
    if (purpose === 'sign')
      await done('key', 'verify', name, '--in', file('data'), '--signature', file('sig'));
    if (purpose === 'encrypt')
      assert.equal(
        (await done('key', 'decrypt', name, '--in', file('sealed'))).toString(),
        'a letter',
      );
  }
  await done('key', 'create', 'stays', '--type', 'aes-256');
  const refused = await cli('key', 'wrap', 'stays', '--with', 'transport');
  assert.equal(refused.status, 1);
  assert.match(refused.err, /never to leave[^]*--extractable/);
  writeFileSync(file('wrapped'), randomBytes(40));
  const rubbish = ['--with', 'transport', '--in', file('wrapped'), '--type', 'aes-256'];
  assert.equal((await cli('key', 'unwrap', 'rubbish', ...rubbish)).status, 1);
});

test('what is wrapped and encrypted is what the standards say', async () => {
  // A wrapping key whose bytes the test knows opens what was wrapped, with Node's own AES-KWP.
  const kek = randomBytes(32);
  writeFileSync(file('kek'), kek);
  const asWrap = ['--type', 'aes-256', '--purpose', 'wrap'];
  await done('key', 'import', 'kek', '--in', file('kek'), ...asWrap);
  const secret = randomBytes(32);
  writeFileSync(file('secret'), secret);
  await done('key', 'import', 'dek', '--in', file('secret'), '--type', 'aes-256', '--extractable');
  const wrapped = await done('key', 'wrap', 'dek', '--with', 'kek');
  const opener = createDecipheriv('id-aes256-wrap-pad', kek, Buffer.from('a65959a6', 'hex'));
  assert.deepEqual(Buffer.concat([opener.update(wrapped), opener.final()]), secret);

  writeFileSync(file('letter'), 'a letter');
  const sealed = await done('key', 'encrypt', 'dek', '--in', file('letter'));
  const gcm = createDecipheriv('aes-256-gcm', secret, sealed.subarray(0, 12));
  gcm.setAuthTag(sealed.subarray(-16));
  const clear = Buffer.concat([gcm.update(sealed.subarray(12, -16)), gcm.final()]);
  assert.equal(clear.toString(), 'a letter');

  // Bring your own key: encrypted outside to the public half of a wrapping key, by RSA-OAEP.
  await done('key', 'create', 'inbox', '--type', 'rsa-2048', '--purpose', 'wrap');
  const inbox = createPublicKey((await done('key', 'show', 'inbox', '--format', 'pem')).toString());
  writeFileSync(file('posted'), publicEncrypt({ key: inbox, oaepHash: 'sha256' }, secret));
  await done(
    'key',
    'unwrap',
    'posted',
    '--with',
    'inbox',
    '--in',
    file('posted'),
    '--type',
    'aes-256',
  );
  writeFileSync(file('sealed'), sealed);
  assert.equal(
    (await done('key', 'decrypt', 'posted', '--in', file('sealed'))).toString(),
    'a letter',
  );

  // And what goes to somebody else's RSA key.
  const theirs = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(file('theirs'), theirs.privateKey.export({ format: 'pem', type: 'pkcs8' }));
  await done('key', 'import', 'theirs', '--in', file('theirs'), '--purpose', 'encrypt');
  const oaep = await done('key', 'encrypt', 'theirs', '--in', file('letter'));
  const { privateKey: key } = theirs;
  assert.equal(privateDecrypt({ key, oaepHash: 'sha256' }, oaep).toString(), 'a letter');
});

test('files are written whole, kept to their owner where they hold secrets, and devices as they are', async () => {
  await done('key', 'create', 'box', '--type', 'aes-256');
  writeFileSync(file('letter'), 'a letter');
  await done('key', 'encrypt', 'box', '--in', file('letter'), '--out', file('sealed'));
  writeFileSync(file('clear'), 'what stood there before', { mode: 0o644 });
  symlinkSync('clear', file('link'));
  await done('key', 'decrypt', 'box', '--in', file('sealed'), '--out', file('link'));
  assert.ok(lstatSync(file('link')).isSymbolicLink());
  assert.equal(readFileSync(file('clear'), 'utf8'), 'a letter');
  assert.equal(statSync(file('clear')).mode & 0o777, 0o600);
  // A failure leaves what was there, and nothing beside it.
  writeFileSync(file('rubbish'), randomBytes(60));
  assert.equal(
    (await cli('key', 'decrypt', 'box', '--in', file('rubbish'), '--out', file('clear'))).status,
    1,
  );
  assert.equal(readFileSync(file('clear'), 'utf8'), 'a letter');
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.new')),
    [],
  );
  const nowhere = await cli(
    'key',
    'sign',
    'ed25519',
    '--in',
    file('letter'),
    '--out',
    file('no/such'),
  );
  assert.equal(nowhere.status, 1);
  assert.match(nowhere.err, /cannot write/);
  assert.equal((await cli('key', 'sign', 'ed25519', '--in', file('no-such'))).status, 2);
  await done('key', 'decrypt', 'box', '--in', file('sealed'), '--out', '/dev/null');
  assert.ok(existsSync('/dev/null') && !lstatSync('/dev/null').isFile());
  const json = await done('key', 'decrypt', 'box', '--in', file('sealed'), '--json');
  assert.deepEqual(JSON.parse(json.toString()), {
    data: Buffer.from('a letter').toString('base64'),
  });
  if (process.getuid?.() !== 0) {
    mkdirSync(file('closed'));
    chmodSync(file('closed'), 0o500);
    assert.equal(
      (await cli('key', 'decrypt', 'box', '--in', file('sealed'), '--out', file('closed/x')))
        .status,
      1,
    );
  }
});

test('keys of one name are told apart by id; names and types are checked', async () => {
  await done('key', 'create', 'twin');
  const first = JSON.parse((await done('key', 'show', 'twin', '--json')).toString()) as {
    id: string;
  };
  assert.equal((await cli('key', 'create', 'twin')).status, 1, 'the name is taken');
  await done('key', 'rename', `id:${first.id}`, 'single');
  assert.match((await cli('key', 'show', 'twin')).err, /there is no key named `twin`/);
  await done('key', 'show', `id:${first.id}`);
  assert.equal((await cli('key', 'create', '  ')).status, 1);

  // PKCS#11 programs may give two keys one name.
  const client = await connectKeys(running.home);
  for (const id of [1, 2]) {
    await client.handle({
      verb: 'generate',
      mechanism: { type: CKM.AES_KEY_GEN, parameter: { kind: 'none' } },
      template: new Map<number, boolean | number | Uint8Array>([
        [CKA.TOKEN, true],
        [CKA.LABEL, Buffer.from('both')],
        [CKA.ID, Uint8Array.of(0xb0, id)],
        [CKA.VALUE_LEN, 32],
      ]),
    });
  }
  client.close();
  const both = await cli('key', 'show', 'both');
  assert.equal(both.status, 1);
  assert.match(both.err, /several keys[^]*id:b001[^]*id:b002/);
  await done('key', 'rename', 'id:b002', 'other');
  await done('key', 'show', 'both');
  const type = await cli('key', 'create', 'x', '--type', 'ec-p265');
  assert.equal(type.status, 2);
  assert.match(type.err, /no key type[^]*one of: /);
  assert.equal((await cli('key', 'create', 'x', '--purpose', 'everything')).status, 2);
  const pair = await cli('key', 'create', 'x', '--type', 'x25519', '--purpose', 'sign');
  assert.match(pair.err, /for derive only/);
  const names = (await cli('key', 'list', '--names')).text.trim().split('\n');
  assert.ok(names.includes('single') && !names.includes('twin'));
  assert.equal(
    (await cli('key', 'destroy', 'single')).status,
    2,
    'not without --yes or a terminal',
  );
  await done('key', 'destroy', 'single', '--yes');
  assert.equal((await cli('key', 'show', 'single')).status, 1);
});
