import type { Command } from '../command.ts';
import { giveBytes } from '../files.ts';
import { PUBLIC_FORMS, described, keyLine, keyPage, publicKeyForm } from '../key-view.ts';
import { UsageError } from '../output.ts';
import { ask } from '../prompt.ts';
import { withKeys } from '../strongroom.ts';

/** `strongroom key list` */
export const keyList: Command = {
  summary: 'list the keys',
  usage: '[--names]',
  help: '  --names  the names alone, one a line',
  example: 'strongroom key list',
  options: { names: { type: 'boolean' } },
  positionals: [0, 0],
  async run(call, output) {
    const keys = await withKeys((client) => client.list());
    if (call.flag('names')) {
      // A name with a line break in it would be two here.
      const names = keys.map((key) => key.name).filter((name) => !/\p{Cc}/u.test(name));
      output.result(names.join('\n'), names);
      return 0;
    }
    const text =
      keys.length === 0 ? 'no keys yet: strongroom key create NAME' : keys.map(keyLine).join('\n');
    output.result(text, keys.map(described));
    return 0;
  },
};

/** `strongroom key show` */
export const keyShow: Command = {
  summary: 'show a key and its public half',
  usage: 'NAME [--format pem|der|jwk|ssh] [--out FILE]',
  help: [
    '  --format FORM  the public key alone: PEM or DER (SubjectPublicKeyInfo), JWK, or the line that',
    '                 OpenSSH takes in authorized_keys and allowed_signers',
    '  --out FILE     write it there; PEM when no format is named',
    'NAME may be id:HEX, the id that this command shows, where several keys have one name.',
  ].join('\n'),
  example: 'strongroom key show release --format pem',
  options: { format: { type: 'string' }, out: { type: 'string' } },
  values: { format: PUBLIC_FORMS, out: 'file' },
  words: ['key'],
  positionals: [1, 1],
  async run(call, output) {
    const out = call.text('out');
    const format = call.text('format') ?? (out === undefined ? undefined : 'pem');
    const form = PUBLIC_FORMS.find((each) => each === format);
    if (format !== undefined && form === undefined) {
      throw new UsageError(
        `there is no format \`${format}\``,
        `one of: ${PUBLIC_FORMS.join(', ')}`,
      );
    }
    const key = await withKeys((client) => client.key(call.positionals[0] ?? ''));
    if (form === undefined) {
      output.result(keyPage(key), described(key));
      return 0;
    }
    const { text, bytes, value } = publicKeyForm(key, form);
    if (out !== undefined || (form === 'der' && !output.json)) {
      giveBytes(bytes, 'der', { out, secret: false }, output);
    } else {
      output.result(text, value);
    }
    return 0;
  },
};

/** `strongroom key rename` */
export const keyRename: Command = {
  summary: 'give a key another name',
  usage: 'NAME NEW-NAME',
  help: 'NAME may be id:HEX, as `key show` and an error about two keys of one name tell it.',
  example: 'strongroom key rename release release-2026',
  options: {},
  words: ['key'],
  positionals: [2, 2],
  async run(call, output) {
    const [name = '', newName = ''] = call.positionals;
    await withKeys(async (client) => client.rename(await client.key(name), newName));
    output.result(`${name} is now ${newName}`, { name: newName });
    return 0;
  },
};

/** `strongroom key destroy` */
export const keyDestroy: Command = {
  summary: 'destroy a key for good',
  usage: 'NAME [--yes]',
  help: '  --yes  really: nothing brings it back; without it the terminal is asked',
  example: 'strongroom key destroy release --yes',
  options: { yes: { type: 'boolean' } },
  words: ['key'],
  positionals: [1, 1],
  async run(call, output) {
    const name = call.positionals[0] ?? '';
    await withKeys(async (client) => {
      const key = await client.key(name);
      if (!call.flag('yes')) {
        if (!process.stdin.isTTY) {
          throw new UsageError('a destroyed key never comes back', 'say --yes');
        }
        const answer = await ask(`Nothing brings ${name} back. Type its name to destroy it: `);
        if (answer?.trim() !== name) throw new UsageError('the key was not destroyed');
      }
      await client.destroy(key);
    });
    output.result(`${name} is destroyed`, { destroyed: name });
    return 0;
  },
};
