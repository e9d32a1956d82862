import { createPublicKey } from 'node:crypto';
import { PURPOSES } from '../keys/client.ts';
import type { KeyInfo, Purpose } from '../keys/client.ts';
import { sshPublicKeyLine } from '../keys/ssh.ts';
import type { Invocation } from './command.ts';
import { UsageError } from './output.ts';

/** What a command tells of a key: everything but its value, which nobody has. */
export function described(key: KeyInfo): Readonly<Record<string, unknown>> {
  const { publicKeyInfo, ...rest } = key;
  return { ...rest, publicKeyInfo: publicKeyInfo?.toBase64() };
}

function origin(key: KeyInfo): string {
  if (key.neverExtractable) return 'never leaves';
  if (key.privateKey === undefined && key.secretKey === undefined) return 'public half only';
  const where = key.local ? 'made here' : 'came from outside';
  return key.extractable ? `${where}, extractable` : where;
}

/** A name as it may stand on a terminal. */
export function printable(name: string): string {
  return name.replaceAll(/\p{Cc}/gu, '?');
}

/** A key in one line of a list. */
export function keyLine(key: KeyInfo): string {
  const flags = [origin(key), ...(key.confirm ? ['asks before use'] : [])].join(', ');
  return `${printable(key.name).padEnd(24)} ${key.type.padEnd(14)} ${key.purpose.padEnd(8)} ${flags}`;
}

/** A key with all that is known of it, its public half last. */
export function keyPage(key: KeyInfo): string {
  return [
    `name     ${printable(key.name)}`,
    `type     ${key.type}`,
    `purpose  ${key.purpose}`,
    `origin   ${origin(key)}`,
    `confirm  ${key.confirm ? 'asks before every use' : 'does not ask'}`,
    `id       ${key.id}`,
    ...(key.publicKeyInfo === undefined ? [] : ['', publicKeyForm(key, 'pem').text.trimEnd()]),
  ].join('\n');
}

/** The forms in which a public key comes out. */
export const PUBLIC_FORMS = ['pem', 'der', 'jwk', 'ssh'] as const;
export type PublicForm = (typeof PUBLIC_FORMS)[number];

/**
 * The public half of a key: PEM or DER SubjectPublicKeyInfo, a JWK (RFC 7517, 8037, and AKP for
 * ML-DSA and ML-KEM), or the line of OpenSSH.
 * @throws {UsageError} when there is none, or SSH has no name for it
 */
export function publicKeyForm(
  key: KeyInfo,
  form: PublicForm,
): { readonly text: string; readonly bytes: Uint8Array; readonly value: object } {
  const info = key.publicKeyInfo;
  if (info === undefined) throw new UsageError('this key has no public half');
  if (form === 'ssh') {
    const ssh = sshPublicKeyLine(info, key.name);
    if (ssh === undefined) {
      throw new UsageError(
        `SSH has no keys of type ${key.type}`,
        'it has ed25519, ec-p256, ec-p384, ec-p521 and rsa',
      );
    }
    return textual(ssh, { ssh });
  }
  if (form === 'der') return { text: '', bytes: info, value: { der: info.toBase64() } };
  const publicKey = createPublicKey({ key: Buffer.from(info), format: 'der', type: 'spki' });
  if (form === 'pem') {
    const pem = publicKey.export({ format: 'pem', type: 'spki' });
    return textual(pem, { pem });
  }
  const jwk = publicKey.export({ format: 'jwk' });
  return textual(JSON.stringify(jwk), jwk);
}

function textual(text: string, value: object): { text: string; bytes: Uint8Array; value: object } {
  return { text, bytes: Buffer.from(text.endsWith('\n') ? text : `${text}\n`), value };
}

/** `--purpose`. @throws {UsageError} when there is no such purpose */
export function purposeOf(call: Invocation): { readonly purpose?: Purpose } {
  const wanted = call.text('purpose');
  if (wanted === undefined) return {};
  const purpose = PURPOSES.find((each) => each === wanted);
  if (purpose !== undefined) return { purpose };
  throw new UsageError(`there is no purpose \`${wanted}\``, `one of: ${PURPOSES.join(', ')}`);
}

/** `--purpose`, `--extractable` and `--confirm`, which every way to get a key has. */
export function newKeyOptions(call: Invocation): {
  readonly purpose?: Purpose;
  readonly extractable: boolean;
  readonly confirm: boolean;
} {
  return {
    ...purposeOf(call),
    extractable: call.flag('extractable'),
    confirm: call.flag('confirm'),
  };
}

export const NEW_KEY_OPTIONS = {
  purpose: { type: 'string' },
  extractable: { type: 'boolean' },
  confirm: { type: 'boolean' },
} as const;

export const NEW_KEY_HELP: readonly string[] = [
  `  --purpose PURPOSE  ${PURPOSES.join(', ')}: one, fixed for the life of the key`,
  '  --extractable      it may be wrapped under another key of this strongroom',
  '  --confirm          ask on the terminal before every use',
];
