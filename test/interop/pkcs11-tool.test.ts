// OpenSC's pkcs11-tool through the stock client module; openssl judges what it signs.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLIENT_MODULE, PIN, SO_PIN, skipWithout, startToken } from '../support/pkcs11.ts';

const skip = skipWithout('pkcs11-tool', 'openssl');
const data = 'a letter\n';
const digest = createHash('sha256').update(data).digest();

test('pkcs11-tool makes, lists, uses and destroys keys', { skip }, async () => {
  await using token = await startToken();
  const { run, tool, folder } = token;
  const module = ['--module', CLIENT_MODULE];
  writeFileSync(join(folder, 'data'), data);
  writeFileSync(join(folder, 'digest'), digest);

  assert.match(run('pkcs11-tool', [...module, '-L']), /token label\s+: Strongroom/);
  const offered = run('pkcs11-tool', [...module, '-M']);
  assert.match(offered, /ECDSA, keySize=\{256,521\}, sign, verify/);
  // A newer module than the stock one carries mechanisms that this release of OpenSC cannot name.
  const stock = process.env['STRONGROOM_TEST_PKCS11_MODULE'] === undefined;
  assert.doesNotMatch(offered, stock ? /, hw,|mechtype-0x/ : /, hw,/, 'what this client can carry');

  tool(['--keypairgen', '--key-type', 'EC:prime256v1', '--id', '01', '--label', 'a']);
  tool(['--keypairgen', '--key-type', 'EC:secp384r1', '--id', '03', '--label', 'c']);
  tool(['--keypairgen', '--key-type', 'rsa:2048', '--id', '02', '--label', 'b']);
  const listed = tool(['-O']);
  assert.match(listed, /Private Key Object; EC\n\s+label:\s+a/);
  assert.match(
    listed,
    /Usage:\s+sign\n\s+Access:\s+sensitive, always sensitive, never extractable/,
  );

  for (const [id, name] of [
    ['01', 'ec'],
    ['02', 'rsa'],
  ] as const) {
    tool(['--read-object', '--type', 'pubkey', '--id', id, '-o', `${name}.der`]);
    run('openssl', [
      'pkey',
      '-pubin',
      '-inform',
      'DER',
      '-in',
      `${name}.der`,
      '-out',
      `${name}.pem`,
    ]);
  }
  const judge = (key: string, ...options: readonly string[]): void => {
    run('openssl', [
      'pkeyutl',
      '-verify',
      '-pubin',
      '-inkey',
      `${key}.pem`,
      '-in',
      'digest',
      '-sigfile',
      'out',
      ...options,
    ]);
  };
  const pssOptions = ['--hash-algorithm', 'SHA256', '--mgf', 'MGF1-SHA256', '--salt-len', '32'];
  const digestIn = ['-i', 'digest', '-o', 'out'];
  tool(['--sign', '-m', 'ECDSA', '--id', '01', ...digestIn, '--signature-format', 'openssl']);
  judge('ec');
  for (const id of ['01', '03']) {
    tool(['--sign', '-m', 'ECDSA', '--id', id, ...digestIn]);
    const judged = [
      '--verify',
      '-m',
      'ECDSA',
      '--id',
      id,
      '-i',
      'digest',
      '--signature-file',
      'out',
    ];
    assert.match(tool(judged), /Signature is valid/);
  }
  tool(['--sign', '-m', 'RSA-PKCS', '--id', '02', ...digestIn]);
  judge('rsa');
  tool(['--sign', '-m', 'RSA-PKCS-PSS', '--id', '02', ...digestIn, ...pssOptions]);
  judge(
    'rsa',
    '-pkeyopt',
    'rsa_padding_mode:pss',
    '-pkeyopt',
    'digest:sha256',
    '-pkeyopt',
    'rsa_pss_saltlen:32',
  );
  assert.match(
    tool([
      '--verify',
      '-m',
      'RSA-PKCS-PSS',
      '--id',
      '02',
      '-i',
      'digest',
      '--signature-file',
      'out',
      ...pssOptions,
    ]),
    /Signature is valid/,
  );
  tool(['--sign', '-m', 'SHA256-RSA-PKCS', '--id', '02', '-i', 'data', '-o', 'out']);
  assert.match(
    run('openssl', ['dgst', '-sha256', '-verify', 'rsa.pem', '-signature', 'out', 'data']),
    /OK/,
  );

  const tested = tool(['--test']);
  assert.match(tested, /No errors/);
  assert.match(tested, /SHA256: OK/);

  // A key for signing refuses to decrypt, whatever it was asked to be.
  const refused = token.fails('pkcs11-tool', [
    ...module,
    '--login',
    '--pin',
    PIN,
    '--decrypt',
    '-m',
    'RSA-PKCS-OAEP',
    '--hash-algorithm',
    'SHA256',
    '--id',
    '02',
    '-i',
    'out',
    '-o',
    'clear',
  ]);
  assert.match(refused, /CKR_KEY_FUNCTION_NOT_PERMITTED/);

  tool(['--delete-object', '--type', 'privkey', '--id', '03']);
  assert.doesNotMatch(tool(['-O', '--type', 'privkey']), /label:\s+c/);
});

test(
  'pkcs11-tool decrypts with a key made for it, and stores what it is given',
  { skip },
  async () => {
    await using token = await startToken();
    const { run, tool, folder } = token;
    writeFileSync(join(folder, 'data'), data);
    writeFileSync(join(folder, 'digest'), digest);

    tool([
      '--keypairgen',
      '--key-type',
      'rsa:2048',
      '--id',
      '04',
      '--label',
      'd',
      '--usage-decrypt',
    ]);
    tool(['--read-object', '--type', 'pubkey', '--id', '04', '-o', 'rsa.der']);
    run('openssl', [
      'pkeyutl',
      '-encrypt',
      '-pubin',
      '-keyform',
      'DER',
      '-inkey',
      'rsa.der',
      '-in',
      'data',
      '-out',
      'sealed',
      '-pkeyopt',
      'rsa_padding_mode:oaep',
      '-pkeyopt',
      'rsa_oaep_md:sha256',
      '-pkeyopt',
      'rsa_mgf1_md:sha256',
    ]);
    const oaep = ['-m', 'RSA-PKCS-OAEP', '--hash-algorithm', 'SHA256', '--mgf', 'MGF1-SHA256'];
    tool(['--decrypt', ...oaep, '--id', '04', '-i', 'sealed', '-o', 'clear']);
    assert.equal(readFileSync(join(folder, 'clear'), 'utf8'), data);

    run('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'key.pem',
      '-subj',
      '/CN=me',
      '-outform',
      'DER',
      '-out',
      'cert.der',
    ]);
    run('openssl', ['rsa', '-in', 'key.pem', '-traditional', '-outform', 'DER', '-out', 'key.der']);
    run('openssl', ['rsa', '-in', 'key.pem', '-pubout', '-out', 'pub.pem']);
    run('openssl', [
      'ecparam',
      '-genkey',
      '-name',
      'prime256v1',
      '-noout',
      '-outform',
      'DER',
      '-out',
      'ec.der',
    ]);
    run('openssl', [
      'ec',
      '-inform',
      'DER',
      '-in',
      'ec.der',
      '-pubout',
      '-outform',
      'DER',
      '-out',
      'ecpub.der',
    ]);
    tool(['--write-object', 'cert.der', '--type', 'cert', '--id', '10', '--label', 'me']);
    tool([
      '--write-object',
      'key.der',
      '--type',
      'privkey',
      '--id',
      '10',
      '--label',
      'me',
      '--usage-sign',
    ]);
    tool([
      '--write-object',
      'ec.der',
      '--type',
      'privkey',
      '--id',
      '11',
      '--label',
      'ec',
      '--usage-sign',
    ]);
    tool([
      '--write-object',
      'ecpub.der',
      '--type',
      'pubkey',
      '--id',
      '11',
      '--label',
      'ec',
      '--usage-sign',
    ]);
    tool([
      '--write-object',
      'data',
      '--type',
      'data',
      '--label',
      'note',
      '--application-label',
      'app',
    ]);
    tool(['--read-object', '--type', 'data', '--label', 'note', '-o', 'clear']);
    assert.equal(readFileSync(join(folder, 'clear'), 'utf8'), data);
    tool(['--sign', '-m', 'SHA256-RSA-PKCS', '--id', '10', '-i', 'data', '-o', 'out']);
    run('openssl', ['dgst', '-sha256', '-verify', 'pub.pem', '-signature', 'out', 'data']);
    tool(['--sign', '-m', 'ECDSA', '--id', '11', '-i', 'digest', '-o', 'out']);
    assert.match(
      tool(['--verify', '-m', 'ECDSA', '--id', '11', '-i', 'digest', '--signature-file', 'out']),
      /Signature is valid/,
    );
    tool(['--delete-object', '--type', 'data', '--label', 'note']);
    assert.doesNotMatch(tool(['-O']), /note/);
  },
);

test(
  'PINs are changed, refused, and set anew by the officer; a lock takes the token away',
  { skip },
  async () => {
    await using token = await startToken();
    const { run } = token;
    const words = ['--module', CLIENT_MODULE, '--login'];
    run('pkcs11-tool', [...words, '--pin', PIN, '--change-pin', '--new-pin', '22222222']);
    assert.match(token.fails('pkcs11-tool', [...words, '--pin', PIN, '-O']), /CKR_PIN_INCORRECT/);
    const flags = run('pkcs11-tool', ['--module', CLIENT_MODULE, '-L']);
    assert.match(flags, /user PIN count low/);
    run('pkcs11-tool', [...words, '--pin', '22222222', '-O']);
    assert.doesNotMatch(run('pkcs11-tool', ['--module', CLIENT_MODULE, '-L']), /count low/);
    run('pkcs11-tool', [
      ...words,
      '--login-type',
      'so',
      '--so-pin',
      SO_PIN,
      '--init-pin',
      '--new-pin',
      '33333333',
    ]);
    run('pkcs11-tool', [...words, '--pin', '33333333', '-O']);

    // While it is locked there is no token, and a program that looks later finds it again.
    assert.equal(token.running.cli(['lock']).status, 0);
    assert.match(
      run('pkcs11-tool', ['--module', CLIENT_MODULE, '--list-slots']),
      /token not present|empty/,
    );
    assert.equal(token.running.cli(['unlock']).status, 0);
    run('pkcs11-tool', [...words, '--pin', '33333333', '-O']);

    run('pkcs11-tool', [
      '--module',
      CLIENT_MODULE,
      '--init-token',
      '--so-pin',
      SO_PIN,
      '--label',
      'anew',
    ]);
    assert.match(run('pkcs11-tool', ['--module', CLIENT_MODULE, '-L']), /token label\s+: anew/);
  },
);
