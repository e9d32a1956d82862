/**
 * The calls of the p11-kit RPC protocol: number, name, and the signature strings that stand in front
 * of the arguments of a request and of its reply. Both sides compare them byte by byte.
 *
 * `y` byte, `u` CK_ULONG, `v` CK_VERSION, `s` space-padded string, `z` string, `M` mechanism,
 * `A` attribute, `a_` array of _, `f_` buffer for _ of which only the size travels, `P` what a
 * mechanism's parameter became.
 */
const CALLS = [
  ['Initialize', 'ayyay', ''],
  ['Finalize', '', ''],
  ['GetInfo', '', 'vsusv'],
  ['GetSlotList', 'yfu', 'au'],
  ['GetSlotInfo', 'u', 'ssuvv'],
  ['GetTokenInfo', 'u', 'ssssuuuuuuuuuuuvvs'],
  ['GetMechanismList', 'ufu', 'au'],
  ['GetMechanismInfo', 'uu', 'uuu'],
  ['InitToken', 'uayz', ''],
  ['OpenSession', 'uu', 'u'],
  ['CloseSession', 'u', ''],
  ['CloseAllSessions', 'u', ''],
  ['GetSessionInfo', 'u', 'uuuu'],
  ['InitPIN', 'uay', ''],
  ['SetPIN', 'uayay', ''],
  ['GetOperationState', 'ufy', 'ay'],
  ['SetOperationState', 'uayuu', ''],
  ['Login', 'uuay', ''],
  ['Logout', 'u', ''],
  ['CreateObject', 'uaA', 'u'],
  ['CopyObject', 'uuaA', 'u'],
  ['DestroyObject', 'uu', ''],
  ['GetObjectSize', 'uu', 'u'],
  ['GetAttributeValue', 'uufA', 'aAu'],
  ['SetAttributeValue', 'uuaA', ''],
  ['FindObjectsInit', 'uaA', ''],
  ['FindObjects', 'ufu', 'au'],
  ['FindObjectsFinal', 'u', ''],
  ['EncryptInit', 'uMu', ''],
  ['Encrypt', 'uayfy', 'ay'],
  ['EncryptUpdate', 'uayfy', 'ay'],
  ['EncryptFinal', 'ufy', 'ay'],
  ['DecryptInit', 'uMu', ''],
  ['Decrypt', 'uayfy', 'ay'],
  ['DecryptUpdate', 'uayfy', 'ay'],
  ['DecryptFinal', 'ufy', 'ay'],
  ['DigestInit', 'uM', ''],
  ['Digest', 'uayfy', 'ay'],
  ['DigestUpdate', 'uay', ''],
  ['DigestKey', 'uu', ''],
  ['DigestFinal', 'ufy', 'ay'],
  ['SignInit', 'uMu', ''],
  ['Sign', 'uayfy', 'ay'],
  ['SignUpdate', 'uay', ''],
  ['SignFinal', 'ufy', 'ay'],
  ['SignRecoverInit', 'uMu', ''],
  ['SignRecover', 'uayfy', 'ay'],
  ['VerifyInit', 'uMu', ''],
  ['Verify', 'uayay', ''],
  ['VerifyUpdate', 'uay', ''],
  ['VerifyFinal', 'uay', ''],
  ['VerifyRecoverInit', 'uMu', ''],
  ['VerifyRecover', 'uayfy', 'ay'],
  ['DigestEncryptUpdate', 'uayfy', 'ay'],
  ['DecryptDigestUpdate', 'uayfy', 'ay'],
  ['SignEncryptUpdate', 'uayfy', 'ay'],
  ['DecryptVerifyUpdate', 'uayfy', 'ay'],
  ['GenerateKey', 'uMaA', 'u'],
  ['GenerateKeyPair', 'uMaAaA', 'uu'],
  ['WrapKey', 'uMuufy', 'ay'],
  ['UnwrapKey', 'uMuayaA', 'u'],
  ['DeriveKey', 'uMuaA', 'u'],
  ['SeedRandom', 'uay', ''],
  ['GenerateRandom', 'ufy', 'ay'],
  ['WaitForSlotEvent', 'u', 'u'],
  // PKCS#11 3.0
  ['LoginUser', 'uuayay', ''],
  ['SessionCancel', 'uu', ''],
  ['MessageEncryptInit', 'uMu', ''],
  ['EncryptMessage', 'uayayayfy', 'ay'],
  ['EncryptMessageBegin', 'uayay', ''],
  ['EncryptMessageNext', 'uayayfyu', 'ay'],
  ['MessageEncryptFinal', 'u', ''],
  ['MessageDecryptInit', 'uMu', ''],
  ['DecryptMessage', 'uayayayfy', 'ay'],
  ['DecryptMessageBegin', 'uayay', ''],
  ['DecryptMessageNext', 'uayayfyu', 'ay'],
  ['MessageDecryptFinal', 'u', ''],
  ['MessageSignInit', 'uMu', ''],
  ['SignMessage', 'uayayfy', 'ay'],
  ['SignMessageBegin', 'uay', ''],
  ['SignMessageNext', 'uayayyfy', 'ay'],
  ['MessageSignFinal', 'u', ''],
  ['MessageVerifyInit', 'uMu', ''],
  ['VerifyMessage', 'uayayay', ''],
  ['VerifyMessageBegin', 'uay', ''],
  ['VerifyMessageNext', 'uayayay', ''],
  ['MessageVerifyFinal', 'u', ''],
  // Version 2 of the protocol
  ['InitToken2', 'uays', ''],
  ['DeriveKey2', 'uMuaA', 'uPu'],
] as const;

/** The name of a call, without its C_. */
export type CallName = (typeof CALLS)[number][0];

export interface CallShape {
  readonly id: number;
  readonly name: CallName;
  readonly request: Uint8Array;
  /** The bytes that open a successful reply: call number, length of the signature, signature. */
  readonly replyHead: Uint8Array;
}

const ascii = (text: string): Uint8Array =>
  Uint8Array.from(text, (letter) => letter.codePointAt(0) ?? 0);

function headOf(id: number, signature: string): Uint8Array {
  const head = new Uint8Array(8 + signature.length);
  const view = new DataView(head.buffer);
  view.setUint32(0, id);
  view.setUint32(4, signature.length);
  head.set(ascii(signature), 8);
  return head;
}

/** By call number; 0 is the error reply and no call. */
export const CALL_SHAPES: readonly (CallShape | undefined)[] = [
  undefined,
  ...CALLS.map(([name, request, reply], index) => ({
    id: index + 1,
    name,
    request: ascii(request),
    replyHead: headOf(index + 1, reply),
  })),
];

/** An error reply: call 0, signature `u`, and the CK_RV behind it. */
export const ERROR_HEAD: Uint8Array = headOf(0, 'u');
