// A person at a shell: one eval, and then the lines of the manuals of OpenSC, OpenSSL and GnuTLS.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { CLIENT_MODULE, PIN, skipWithout, startToken } from '../support/pkcs11.ts';

const root = dirname(dirname(import.meta.dirname));
const engineMissing =
  spawnSync('openssl', ['engine', 'pkcs11', '-t'], { encoding: 'utf8' }).status !== 0;
const skip =
  skipWithout('pkcs11-tool', 'openssl', 'p11tool', 'bash') ||
  (engineMissing && process.env['CI'] !== 'true' && 'the pkcs11 engine is not installed');

const LINES = `
printf 'a letter\\n' > data
openssl dgst -sha256 -binary data > digest

pkcs11-tool --module "$STRONGROOM_PKCS11_MODULE" -L
tool() { pkcs11-tool --module "$STRONGROOM_PKCS11_MODULE" --login --pin ${PIN} "$@"; }
tool --keypairgen --key-type EC:prime256v1 --id 01 --label a
tool --keypairgen --key-type rsa:2048 --id 02 --label b
tool -O
for id in 01 02; do
  tool --read-object --type pubkey --id $id -o $id.der
  openssl pkey -pubin -inform DER -in $id.der -out $id.pem
done

tool --sign -m ECDSA --signature-format openssl --id 01 -i digest -o ecdsa.sig
openssl pkeyutl -verify -pubin -inkey 01.pem -in digest -sigfile ecdsa.sig
tool --sign -m RSA-PKCS --id 02 -i digest -o raw.sig
openssl pkeyutl -verify -pubin -inkey 02.pem -in digest -sigfile raw.sig
tool --sign -m SHA256-RSA-PKCS --id 02 -i data -o pkcs.sig
openssl dgst -sha256 -verify 02.pem -signature pkcs.sig data
tool --sign -m RSA-PKCS-PSS --hash-algorithm SHA256 --mgf MGF1-SHA256 --id 02 -i digest -o pss.sig
openssl pkeyutl -verify -pubin -inkey 02.pem -in digest -sigfile pss.sig -pkeyopt rsa_padding_mode:pss -pkeyopt digest:sha256

for label in a b; do
  uri="pkcs11:token=Strongroom;object=$label;type=private;pin-value=${PIN}"
  openssl dgst -sha256 -engine pkcs11 -keyform engine -sign "$uri" -out engine.sig data
  [ $label = a ] && id=01 || id=02
  openssl dgst -sha256 -verify $id.pem -signature engine.sig data
  openssl req -engine pkcs11 -keyform engine -new -x509 -key "$uri" -subj "/CN=$label" -days 30 -out $label.crt
  openssl verify -CAfile $label.crt $label.crt
done

GNUTLS_PIN=${PIN} p11tool --provider "$STRONGROOM_PKCS11_MODULE" --login --list-all
tool --test
`;

test('every line works after one eval, and --test finds no error', { skip }, async () => {
  await using token = await startToken();
  // Nothing but the home and what the eval sets: as in a fresh terminal.
  const {
    P11_KIT_SERVER_ADDRESS: _address,
    PKCS11_MODULE_PATH: _module,
    ...environment
  } = token.environment;
  const done = spawnSync(
    'bash',
    [
      '-euo',
      'pipefail',
      '-c',
      `eval "$('${join(root, 'bin/strongroom')}' pkcs11 env --module '${CLIENT_MODULE}')"\n${LINES}`,
    ],
    {
      cwd: token.folder,
      env: { ...environment, STRONGROOM_HOME: token.running.home, GNUTLS_PIN: '' },
      encoding: 'utf8',
      timeout: 280_000,
    },
  );
  const said = `${done.stdout}${done.stderr}`;
  assert.equal(done.status, 0, said);
  assert.match(said, /token label +: Strongroom/);
  for (const [label, what] of [
    ['a', /EC\/ECDSA-SECP256R1|EC_POINT/],
    ['b', /RSA-2048|RSA 2048 bits/],
  ] as const) {
    assert.match(said, new RegExp(`label: +${label}$`, 'm'), 'pkcs11-tool lists it');
    assert.match(said, new RegExp(`^\\s+Label: ${label}$`, 'm'), 'p11tool lists it');
    assert.match(said, what);
  }
  assert.equal(said.split('Signature Verified Successfully').length - 1, 3);
  assert.equal(said.split('Verified OK').length - 1, 3);
  assert.match(said, /a\.crt: OK[^]*b\.crt: OK/);
  assert.match(said, /No errors/);
  assert.doesNotMatch(said, /\d+ errors|ERR:|CKR_/);
});
