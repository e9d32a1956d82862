// OpenSSL's pkcs11 engine: signatures, a certificate and a TLS server whose key stays inside.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { PIN, skipWithout, startToken } from '../support/pkcs11.ts';

const engineMissing =
  spawnSync('openssl', ['engine', 'pkcs11', '-t'], { encoding: 'utf8' }).status !== 0;
const skip =
  skipWithout('openssl', 'pkcs11-tool') ||
  (engineMissing && process.env['CI'] !== 'true' && 'the pkcs11 engine is not installed');

test('the engine signs, certifies itself and serves TLS', { skip }, async () => {
  await using token = await startToken();
  const { run, tool, folder, environment } = token;
  writeFileSync(join(folder, 'data'), 'a letter\n');
  tool(['--keypairgen', '--key-type', 'EC:prime256v1', '--id', '01', '--label', 'ec']);
  tool(['--keypairgen', '--key-type', 'rsa:2048', '--id', '02', '--label', 'rsa']);
  const engine = ['-engine', 'pkcs11', '-keyform', 'engine'];
  for (const name of ['ec', 'rsa']) {
    const uri = `pkcs11:token=Strongroom;object=${name};type=private;pin-value=${PIN}`;
    run('openssl', [
      'req',
      '-x509',
      '-new',
      ...engine,
      '-key',
      uri,
      '-subj',
      `/CN=${name}`,
      '-days',
      '2',
      '-out',
      `${name}.crt`,
    ]);
    run('openssl', ['verify', '-CAfile', `${name}.crt`, `${name}.crt`]);
    writeFileSync(
      join(folder, `${name}.pem`),
      run('openssl', ['x509', '-in', `${name}.crt`, '-pubkey', '-noout']),
    );
    run('openssl', ['dgst', '-sha256', ...engine, '-sign', uri, '-out', 'out', 'data']);
    const judged = ['dgst', '-sha256', '-verify', `${name}.pem`, '-signature', 'out', 'data'];
    assert.match(run('openssl', judged), /Verified OK/);
  }
  const pss = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:32'];
  const uri = `pkcs11:token=Strongroom;object=rsa;type=private;pin-value=${PIN}`;
  run('openssl', ['dgst', '-sha256', ...engine, ...pss, '-sign', uri, '-out', 'out', 'data']);
  run('openssl', ['dgst', '-sha256', ...pss, '-verify', 'rsa.pem', '-signature', 'out', 'data']);

  const port = await freePort();
  const server = spawn(
    'openssl',
    [
      's_server',
      ...engine,
      '-key',
      uri.replace('object=rsa', 'object=ec'),
      '-cert',
      'ec.crt',
      '-accept',
      `127.0.0.1:${port}`,
      '-tls1_3',
      '-www',
    ],
    { env: environment, cwd: folder, stdio: 'pipe' },
  );
  try {
    await new Promise<void>((resolve, reject) => {
      let said = '';
      server.stdout.on('data', (text: Buffer) => {
        said += text.toString();
        if (said.includes('ACCEPT')) resolve();
      });
      server.once('exit', () => reject(new Error(`s_server ended: ${said}`)));
    });
    const shaken = run(
      'openssl',
      [
        's_client',
        '-connect',
        `127.0.0.1:${port}`,
        '-CAfile',
        'ec.crt',
        '-verify_return_error',
        '-tls1_3',
      ],
      '\n',
    );
    assert.match(shaken, /Verify return code: 0 \(ok\)/);
  } finally {
    server.kill();
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
  }
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => {
    probe.listen(0, '127.0.0.1', resolve);
  });
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
