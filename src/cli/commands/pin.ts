import type { Command, Invocation } from '../command.ts';
import { secret, secretFiles, secretOptions } from '../secret.ts';
import { withKeys } from '../strongroom.ts';

const NEW_PIN = { name: 'new-pin', prompt: 'new PIN', isNew: true } as const;
const SOURCES: readonly string[] = [
  'Each PIN comes from the first line of a file, from a file descriptor, from the file that',
  'STRONGROOM_PIN_FILE, STRONGROOM_NEW_PIN_FILE or STRONGROOM_SO_PIN_FILE names, or from the',
  'terminal. A PIN has 6 to 64 bytes. After ten wrong ones in a row it is locked.',
];

/** Runs a call with two PINs and wipes them. */
async function withPins(
  call: Invocation,
  first: { readonly name: string; readonly prompt: string },
  work: (first: Uint8Array, newPin: Uint8Array) => Promise<unknown>,
): Promise<void> {
  const known = await secret(call, first);
  try {
    const newPin = await secret(call, NEW_PIN);
    try {
      await work(known, newPin);
    } finally {
      newPin.fill(0);
    }
  } finally {
    known.fill(0);
  }
}

/** `strongroom pin change`: C_SetPIN. */
export const pinChange: Command = {
  summary: 'change the PIN of PKCS#11 programs, or the security officer’s',
  usage: '[--so] [--pin-file FILE | --pin-fd NUMBER] [--new-pin-file FILE | --new-pin-fd NUMBER]',
  help: [
    '  --so                                     the PIN of the security officer',
    '  --pin-file FILE, --pin-fd NUMBER         the PIN as it is',
    '  --new-pin-file FILE, --new-pin-fd NUMBER the PIN as it shall be',
    ...SOURCES,
  ].join('\n'),
  example: 'strongroom pin change',
  options: { so: { type: 'boolean' }, ...secretOptions('pin', 'new-pin') },
  values: secretFiles('pin', 'new-pin'),
  positionals: [0, 0],
  async run(call, output) {
    const role = call.flag('so') ? 'security-officer' : 'user';
    const prompt = call.flag('so') ? 'PIN of the security officer' : 'PIN';
    await withPins(call, { name: 'pin', prompt }, (oldPin, newPin) =>
      withKeys((client) => client.call('pin-change', { role, oldPin, newPin })),
    );
    output.result('the PIN is changed', { changed: role });
    return 0;
  },
};

/** `strongroom pin unblock`: C_InitPIN. */
export const pinUnblock: Command = {
  summary: 'set a new PIN with the PIN of the security officer, when the old one is lost or locked',
  usage: '[--so-pin-file FILE | --so-pin-fd NUMBER] [--new-pin-file FILE | --new-pin-fd NUMBER]',
  help: [
    '  --so-pin-file FILE, --so-pin-fd NUMBER   the PIN of the security officer',
    '  --new-pin-file FILE, --new-pin-fd NUMBER the PIN as it shall be',
    ...SOURCES,
  ].join('\n'),
  example: 'strongroom pin unblock --so-pin-file ./so-pin',
  options: secretOptions('so-pin', 'new-pin'),
  values: secretFiles('so-pin', 'new-pin'),
  positionals: [0, 0],
  async run(call, output) {
    const officer = { name: 'so-pin', prompt: 'PIN of the security officer' };
    await withPins(call, officer, (soPin, newPin) =>
      withKeys((client) => client.call('pin-unblock', { soPin, newPin })),
    );
    output.result('the PIN is set', { unblocked: 'user' });
    return 0;
  },
};
