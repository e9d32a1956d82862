import { KEY_TYPES, PURPOSES } from '../../keys/client.ts';
import type { Command } from '../command.ts';
import { giveBytes, readInput, readMessage } from '../files.ts';
import { readKeyFile } from '../key-file.ts';
import { NEW_KEY_HELP, NEW_KEY_OPTIONS, described, keyLine, newKeyOptions } from '../key-view.ts';
import { UsageError } from '../output.ts';
import { givenSecret, secretFiles, secretOptions } from '../secret.ts';
import { withKeys } from '../strongroom.ts';

const TYPE_NAMES: readonly string[] = KEY_TYPES.map((type) => type.name);
const SECRET_NAMES: readonly string[] = KEY_TYPES.filter(({ pair }) => !pair).map(
  ({ name }) => name,
);

/** `strongroom key create`: makes a key inside. */
export const keyCreate: Command = {
  summary: 'make a key inside that never comes out',
  usage: 'NAME [--type TYPE] [--purpose PURPOSE] [--extractable] [--confirm]',
  help: [
    `  --type TYPE        ${TYPE_NAMES.join(', ')}; ed25519 when left out`,
    ...NEW_KEY_HELP,
  ].join('\n'),
  example: 'strongroom key create release --type ec-p256',
  options: { type: { type: 'string' }, ...NEW_KEY_OPTIONS },
  values: { type: TYPE_NAMES, purpose: PURPOSES },
  positionals: [1, 1],
  async run(call, output) {
    const options = { type: call.text('type') ?? 'ed25519', ...newKeyOptions(call) };
    const key = await withKeys((client) => client.create(call.positionals[0] ?? '', options));
    output.result(keyLine(key), described(key));
    return 0;
  },
};

/** `strongroom key import`: takes a key in that was made elsewhere. */
export const keyImport: Command = {
  summary: 'take in a key that was made elsewhere',
  usage: 'NAME [--in FILE] [--type TYPE] [--purpose PURPOSE] [--extractable] [--confirm]',
  help: [
    '  --in FILE          the key, instead of standard input: PEM or DER (PKCS#8, PKCS#1, SEC1),',
    '                     OpenSSH without a passphrase, JWK, or the bytes of a secret key',
    `  --type TYPE        for a secret key: ${SECRET_NAMES.join(', ')}`,
    '  --passphrase-file FILE, --passphrase-fd NUMBER',
    '                     opens an encrypted PEM or DER file',
    ...NEW_KEY_HELP,
    'A key that was outside once may have been copied there: this one is listed as such for ever.',
  ].join('\n'),
  example: 'strongroom key import server --in server.pem',
  options: {
    in: { type: 'string' },
    type: { type: 'string' },
    ...secretOptions('passphrase'),
    ...NEW_KEY_OPTIONS,
  },
  values: {
    in: 'file',
    type: TYPE_NAMES,
    purpose: PURPOSES,
    ...secretFiles('passphrase'),
  },
  positionals: [1, 1],
  async run(call, output) {
    const passphrase = givenSecret(call, 'passphrase');
    const bytes = readInput(call.text('in'));
    const file = readKeyFile(bytes, { type: call.text('type'), passphrase });
    try {
      const key = await withKeys((client) =>
        client.import(call.positionals[0] ?? '', file.material, newKeyOptions(call)),
      );
      output.result(keyLine(key), described(key));
    } finally {
      file.wipe();
      bytes.fill(0);
      passphrase?.fill(0);
    }
    const path = call.text('in');
    if (path !== undefined) output.note(`${path} still holds the key: destroy it if you can`);
    return 0;
  },
};

/** `strongroom key wrap`: the only way out, encrypted under another key. */
export const keyWrap: Command = {
  summary: 'encrypt an extractable key under a key made for wrapping',
  usage: 'NAME --with WRAPPING-KEY [--out FILE]',
  help: [
    '  --with KEY   a key with the purpose wrap: AES wraps with AES-KWP (RFC 5649), RSA with OAEP',
    '               and SHA-256',
    '  --out FILE   write the wrapped key there',
    'Wrapped are the bytes of a secret key, or PKCS#8 of a private one.',
  ].join('\n'),
  example: 'strongroom key wrap data --with transport --out data.wrapped',
  options: { with: { type: 'string' }, out: { type: 'string' } },
  values: { with: 'key', out: 'file' },
  words: ['key'],
  positionals: [1, 1],
  async run(call, output) {
    const wrappingName = call.text('with');
    if (wrappingName === undefined) throw new UsageError('--with WRAPPING-KEY is missing');
    const wrapped = await withKeys(async (client) =>
      client.wrap(await client.key(wrappingName), await client.key(call.positionals[0] ?? '')),
    );
    giveBytes(wrapped, 'wrapped', { out: call.text('out'), secret: true }, output);
    return 0;
  },
};

/** `strongroom key unwrap`: a wrapped key becomes a key again. */
export const keyUnwrap: Command = {
  summary: 'take in a key that is wrapped under a key of this strongroom',
  usage:
    'NAME --with WRAPPING-KEY --type TYPE [--in FILE] [--purpose PURPOSE] [--extractable] [--confirm]',
  help: [
    '  --with KEY         the key that it is wrapped under, as in `key wrap`',
    `  --type TYPE        what it is: ${TYPE_NAMES.join(', ')}`,
    '  --in FILE          the wrapped key, instead of standard input',
    ...NEW_KEY_HELP,
  ].join('\n'),
  example: 'strongroom key unwrap data --with transport --type aes-256 --in data.wrapped',
  options: {
    with: { type: 'string' },
    type: { type: 'string' },
    in: { type: 'string' },
    ...NEW_KEY_OPTIONS,
  },
  values: { with: 'key', type: TYPE_NAMES, in: 'file', purpose: PURPOSES },
  positionals: [1, 1],
  async run(call, output) {
    const [unwrapping, type] = [call.text('with'), call.text('type')];
    if (unwrapping === undefined) throw new UsageError('--with WRAPPING-KEY is missing');
    if (type === undefined) throw new UsageError('--type TYPE is missing');
    const wrapped = readMessage(call.text('in'), 'a wrapped key');
    const key = await withKeys(async (client) =>
      client.unwrap(call.positionals[0] ?? '', await client.key(unwrapping), wrapped, {
        type,
        ...newKeyOptions(call),
      }),
    );
    output.result(keyLine(key), described(key));
    return 0;
  },
};
