import { randomInt } from 'node:crypto';
import type { KeysClient } from '../keys/client.ts';
import { utf8 } from '../bytes/text.ts';

/** How the master key of a new strongroom is kept. */
export type SealChoice =
  | { readonly kind: 'file' }
  | { readonly kind: 'passphrase'; readonly passphrase: Uint8Array };

/** The PINs of a new token, where they were made and not given. */
export interface Provisioned {
  readonly pin: string | undefined;
  readonly soPin: string | undefined;
}

function madeUpPin(): string {
  return Array.from({ length: 10 }, () => randomInt(10)).join('');
}

/** Makes the strongroom of a running key process. PINs that are not given are made of ten digits. */
export async function provision(
  client: KeysClient,
  seal: SealChoice,
  pins: { readonly pin?: Uint8Array; readonly soPin?: Uint8Array } = {},
  label = 'Strongroom',
): Promise<Provisioned> {
  const pin = pins.pin === undefined ? madeUpPin() : undefined;
  const soPin = pins.soPin === undefined ? madeUpPin() : undefined;
  await client.call('provision', {
    label,
    pin: pins.pin ?? utf8(pin ?? ''),
    soPin: pins.soPin ?? utf8(soPin ?? ''),
    passphrase: seal.kind === 'passphrase' ? seal.passphrase : null,
  });
  return { pin, soPin };
}

/** The PINs that were made, to be shown once. */
export function showPins({ pin, soPin }: Provisioned): string {
  return [
    'a new strongroom was made; these are shown once:',
    ...(pin === undefined ? [] : [`  PIN                   ${pin}   (for PKCS#11 programs)`]),
    ...(soPin === undefined
      ? []
      : [`  security officer PIN  ${soPin}   (sets a new PIN when the other is lost or locked)`]),
  ].join('\n');
}
