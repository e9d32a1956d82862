import { SCHEME_NAMES, prehashOf, schemeNamed, schemesOf, signatureOf } from '../../keys/client.ts';
import type { KeyInfo, Mechanism } from '../../keys/client.ts';
import type { Command, Invocation } from '../command.ts';
import { derFromRaw, rawFromDer } from '../ecdsa-der.ts';
import { giveBytes, readInput, readMessage, readToSign } from '../files.ts';
import { UsageError } from '../output.ts';
import { withKeys } from '../strongroom.ts';

/** The scheme that `--scheme` names, else the usual one of the key. */
function mechanismOf(call: Invocation, key: KeyInfo): Mechanism {
  const name = call.text('scheme');
  if (name === undefined) return signatureOf(key);
  const mechanism = schemeNamed(key, name);
  if (mechanism !== undefined) return mechanism;
  const possible = schemesOf(key);
  throw new UsageError(
    `a key of type ${key.type} has no scheme \`${name}\``,
    possible.length === 0
      ? 'it has one only: leave --scheme out'
      : `one of: ${possible.join(', ')}`,
  );
}

/** Whether signatures go in and out as DER; only ECDSA has the choice. */
function wantsDer(call: Invocation, key: KeyInfo): boolean {
  const format = call.text('format') ?? 'raw';
  if (format !== 'raw' && format !== 'der') {
    throw new UsageError(`there is no format \`${format}\``, 'one of: raw, der');
  }
  if (format === 'der' && !key.type.startsWith('ec-')) {
    throw new UsageError('only ECDSA signatures have a DER form', 'leave --format out');
  }
  return format === 'der';
}

/** What is signed: the data, or their digest with the mechanism that takes one. */
function toSign(
  call: Invocation,
  mechanism: Mechanism,
): { readonly mechanism: Mechanism; readonly data: Uint8Array } {
  const prehash = prehashOf(mechanism);
  const read = readToSign(call.text('in'), prehash);
  if ('data' in read) return { mechanism, data: read.data };
  return prehash?.of(read.digest) ?? { mechanism, data: read.digest };
}

const SCHEME_HELP: readonly string[] = [
  `  --scheme SCHEME  where the key has a choice: ${SCHEME_NAMES.join(', ')}`,
  '  --format FORM    of an ECDSA signature: raw (r and s behind each other) or der (for openssl)',
];
const SCHEME_OPTIONS = { scheme: { type: 'string' }, format: { type: 'string' } } as const;
const SCHEME_VALUES = { scheme: SCHEME_NAMES, format: ['raw', 'der'] } as const;

/** `strongroom key sign` */
export const keySign: Command = {
  summary: 'sign standard input with a key',
  usage: 'NAME [--in FILE] [--out FILE] [--scheme SCHEME] [--format raw|der]',
  help: [
    '  --in FILE        sign this instead of standard input',
    '  --out FILE       write the signature there',
    ...SCHEME_HELP,
    'RSA signs with PSS and SHA-256 unless a scheme is named. A key that asks may be refused: exit 3.',
  ].join('\n'),
  example: 'strongroom key sign release --in release.tar --out release.sig',
  options: { in: { type: 'string' }, out: { type: 'string' }, ...SCHEME_OPTIONS },
  values: { in: 'file', out: 'file', ...SCHEME_VALUES },
  words: ['key'],
  positionals: [1, 1],
  async run(call, output) {
    const signature = await withKeys(async (client) => {
      const key = await client.key(call.positionals[0] ?? '');
      const der = wantsDer(call, key);
      const { mechanism, data } = toSign(call, mechanismOf(call, key));
      const made = await client.sign(key, data, mechanism);
      return der ? derFromRaw(made) : made;
    });
    giveBytes(signature, 'signature', { out: call.text('out'), secret: false }, output);
    return 0;
  },
};

/** `strongroom key verify` */
export const keyVerify: Command = {
  summary: 'check a signature made with a key',
  usage: 'NAME --signature FILE [--in FILE] [--scheme SCHEME] [--format raw|der]',
  help: [
    '  --signature FILE  the signature; exit code 1 when it is wrong',
    '  --in FILE         what was signed, instead of standard input',
    ...SCHEME_HELP,
  ].join('\n'),
  example: 'strongroom key verify release --signature release.sig --in release.tar',
  options: { in: { type: 'string' }, signature: { type: 'string' }, ...SCHEME_OPTIONS },
  values: { in: 'file', signature: 'file', ...SCHEME_VALUES },
  words: ['key'],
  positionals: [1, 1],
  async run(call, output) {
    const path = call.text('signature');
    if (path === undefined) throw new UsageError('--signature FILE is missing');
    await withKeys(async (client) => {
      const key = await client.key(call.positionals[0] ?? '');
      const der = wantsDer(call, key);
      const given = readInput(path);
      const { mechanism, data } = toSign(call, mechanismOf(call, key));
      await client.verify(key, data, der ? rawFromDer(given, key.type) : given, mechanism);
    });
    output.result('the signature is right', { valid: true });
    return 0;
  },
};

/** `key encrypt` and `key decrypt` differ in one word. */
function cipherCommand(verb: 'encrypt' | 'decrypt', example: string): Command {
  return {
    summary: `${verb} standard input with a key made for it`,
    usage: 'NAME [--in FILE] [--out FILE]',
    help: [
      `  --in FILE   ${verb} this instead of standard input, 16 MiB at the most`,
      '  --out FILE  write the result there',
      'AES-GCM with a fresh nonce of 12 bytes in front and the tag behind, or RSA-OAEP with SHA-256.',
    ].join('\n'),
    example,
    options: { in: { type: 'string' }, out: { type: 'string' } },
    values: { in: 'file', out: 'file' },
    words: ['key'],
    positionals: [1, 1],
    async run(call, output) {
      const data = readMessage(call.text('in'), verb);
      const result = await withKeys(async (client) =>
        client[verb](await client.key(call.positionals[0] ?? ''), data),
      );
      giveBytes(result, 'data', { out: call.text('out'), secret: verb === 'decrypt' }, output);
      return 0;
    },
  };
}

export const keyEncrypt: Command = cipherCommand(
  'encrypt',
  'strongroom key encrypt box --in letter --out letter.sealed',
);
export const keyDecrypt: Command = cipherCommand(
  'decrypt',
  'strongroom key decrypt box --in letter.sealed --out letter',
);
