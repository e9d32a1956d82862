import { createPublicKey } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { KEY_TYPES, PURPOSES } from '../../keys/index.ts';
import type { KeyInfo } from '../../keys/index.ts';
import type { Command } from '../command.ts';
import { UsageError } from '../output.ts';
import type { Output } from '../output.ts';
import { input, withKeys } from '../strongroom.ts';

/** What a command tells of a key: everything but its value, which nobody has. */
function described(key: KeyInfo): Readonly<Record<string, unknown>> {
  const { publicKeyInfo, ...rest } = key;
  return { ...rest, publicKeyInfo: publicKeyInfo?.toBase64() };
}

function line(key: KeyInfo): string {
  const flags = [
    key.neverExtractable ? 'never leaves' : key.extractable ? 'extractable' : 'imported',
    ...(key.confirm ? ['asks before use'] : []),
  ];
  return `${key.name.padEnd(24)} ${key.type.padEnd(14)} ${key.purpose.padEnd(8)} ${flags.join(', ')}`;
}

/** Bytes to `--out FILE` or standard output: as they are, or as base64 in JSON. */
function give(bytes: Uint8Array, name: string, out: string | undefined, output: Output): void {
  if (out !== undefined) writeFileSync(out, bytes);
  else if (output.json) output.result('', { [name]: bytes.toBase64() });
  else output.bytes(bytes);
}

const IN_OUT = { in: { type: 'string' }, out: { type: 'string' } } as const;

export const keyCreate: Command = {
  summary: 'make a key inside that never comes out',
  usage: 'NAME [--type TYPE] [--purpose PURPOSE] [--extractable] [--confirm]',
  help: [
    `  --type TYPE        ${KEY_TYPES.map((type) => type.name).join(', ')}; ed25519 when left out`,
    `  --purpose PURPOSE  ${PURPOSES.join(', ')}: one, fixed for the life of the key`,
    '  --extractable      it may be wrapped under another key of this strongroom',
    '  --confirm          ask on the terminal before every use',
  ].join('\n'),
  example: 'strongroom key create release --type ec-p256',
  options: {
    type: { type: 'string' },
    purpose: { type: 'string' },
    extractable: { type: 'boolean' },
    confirm: { type: 'boolean' },
  },
  positionals: [1, 1],
  async run(call, output) {
    const wanted = call.text('purpose');
    const purpose = PURPOSES.find((each) => each === wanted);
    if (wanted !== undefined && purpose === undefined) {
      throw new UsageError(`there is no purpose \`${wanted}\``, `one of: ${PURPOSES.join(', ')}`);
    }
    const key = await withKeys((client) =>
      client.create(call.positionals[0] ?? '', {
        type: call.text('type') ?? 'ed25519',
        ...(purpose === undefined ? {} : { purpose }),
        extractable: call.flag('extractable'),
        confirm: call.flag('confirm'),
      }),
    );
    output.result(line(key), described(key));
    return 0;
  },
};

export const keyList: Command = {
  summary: 'list the keys',
  usage: '',
  help: '',
  example: 'strongroom key list',
  options: {},
  positionals: [0, 0],
  async run(_call, output) {
    const keys = await withKeys((client) => client.list());
    const text =
      keys.length === 0 ? 'no keys yet: strongroom key create NAME' : keys.map(line).join('\n');
    output.result(text, keys.map(described));
    return 0;
  },
};

export const keyShow: Command = {
  summary: 'show a key and its public half',
  usage: 'NAME [--format pem|der|jwk]',
  help: '  --format FORM  print the public key alone, in this form',
  example: 'strongroom key show release --format pem',
  options: { format: { type: 'string' } },
  positionals: [1, 1],
  async run(call, output) {
    const key = await withKeys((client) => client.key(call.positionals[0] ?? ''));
    const format = call.text('format');
    if (format === undefined) {
      output.result(line(key), described(key));
      return 0;
    }
    if (key.publicKeyInfo === undefined) throw new UsageError('this key has no public half');
    const publicKey = createPublicKey({
      key: Buffer.from(key.publicKeyInfo),
      format: 'der',
      type: 'spki',
    });
    if (format === 'pem') {
      const pem = publicKey.export({ format: 'pem', type: 'spki' });
      output.result(typeof pem === 'string' ? pem : '', { pem });
    } else if (format === 'jwk') {
      const jwk = publicKey.export({ format: 'jwk' });
      output.result(JSON.stringify(jwk), jwk);
    } else if (format === 'der') {
      give(key.publicKeyInfo, 'der', undefined, output);
    } else {
      throw new UsageError(`there is no format \`${format}\``, 'one of: pem, der, jwk');
    }
    return 0;
  },
};

export const keySign: Command = {
  summary: 'sign standard input with a key',
  usage: 'NAME [--in FILE] [--out FILE]',
  help: [
    '  --in FILE   sign this instead of standard input',
    '  --out FILE  write the signature there',
    'ECDSA signatures are r and s behind each other (IEEE P1363); RSA signs with PSS and SHA-256.',
  ].join('\n'),
  example: 'strongroom key sign release --in release.tar --out release.sig',
  options: IN_OUT,
  positionals: [1, 1],
  async run(call, output) {
    const data = input(call);
    const signature = await withKeys(async (client) =>
      client.sign(await client.key(call.positionals[0] ?? ''), data),
    );
    give(signature, 'signature', call.text('out'), output);
    return 0;
  },
};

export const keyVerify: Command = {
  summary: 'check a signature made with a key',
  usage: 'NAME --signature FILE [--in FILE]',
  help: '  --signature FILE  the signature; exit code 1 when it is wrong',
  example: 'strongroom key verify release --signature release.sig --in release.tar',
  options: { in: { type: 'string' }, signature: { type: 'string' } },
  positionals: [1, 1],
  async run(call, output) {
    if (call.text('signature') === undefined) throw new UsageError('--signature FILE is missing');
    const signature = input(call, 'signature');
    const data = input(call);
    await withKeys(async (client) =>
      client.verify(await client.key(call.positionals[0] ?? ''), data, signature),
    );
    output.result('the signature is right', { valid: true });
    return 0;
  },
};

/** `key encrypt` and `key decrypt` differ in one word. */
function cipherCommand(verb: 'encrypt' | 'decrypt'): Command {
  return {
    summary: `${verb} standard input with a key made for it`,
    usage: 'NAME [--in FILE] [--out FILE]',
    help: 'AES-GCM with a fresh nonce in front, or RSA-OAEP with SHA-256.',
    example: `strongroom key ${verb} vault --in letter --out letter.${verb}ed`,
    options: IN_OUT,
    positionals: [1, 1],
    async run(call, output) {
      const data = input(call);
      const result = await withKeys(async (client) =>
        client[verb](await client.key(call.positionals[0] ?? ''), data),
      );
      give(result, 'data', call.text('out'), output);
      return 0;
    },
  };
}

export const keyEncrypt: Command = cipherCommand('encrypt');
export const keyDecrypt: Command = cipherCommand('decrypt');

export const keyRename: Command = {
  summary: 'give a key another name',
  usage: 'NAME NEW-NAME',
  help: '',
  example: 'strongroom key rename release release-2026',
  options: {},
  positionals: [2, 2],
  async run(call, output) {
    const [name = '', newName = ''] = call.positionals;
    await withKeys(async (client) => client.rename(await client.key(name), newName));
    output.result(`${name} is now ${newName}`, { name: newName });
    return 0;
  },
};

export const keyDestroy: Command = {
  summary: 'destroy a key for good',
  usage: 'NAME --yes',
  help: '  --yes  really: nothing brings it back',
  example: 'strongroom key destroy release --yes',
  options: { yes: { type: 'boolean' } },
  positionals: [1, 1],
  async run(call, output) {
    if (!call.flag('yes')) throw new UsageError('a destroyed key never comes back', 'say --yes');
    const name = call.positionals[0] ?? '';
    await withKeys(async (client) => client.destroy(await client.key(name)));
    output.result(`${name} is destroyed`, { destroyed: name });
    return 0;
  },
};
