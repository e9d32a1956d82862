import type { KeyObject } from 'node:crypto';
import { dlopen, getRawPointer } from 'node:ffi';
import { StrongroomError } from '../errors.ts';

/**
 * The few calls of Node's own OpenSSL that `node:crypto` does not reach: ECDSA and RSASSA-PSS over a
 * digest that is there already. Keys are given to it once, as DER through memory that is wiped, and
 * kept beside their key object, with a context that every ECDSA signature uses again.
 *
 * Why no pointer here is ever wild:
 * - Memory: every address that is passed is of one ArrayBuffer that lives as long as the process,
 *   never moves and cannot be resized; lengths are checked against it before each call.
 * - Code: the library handle is a constant of this module and is never closed.
 * - Keys: a native key is freed once, either by `forget` or when its key object is collected, and is
 *   taken out of the table in the same step, so nothing finds it afterwards. Every call below is
 *   synchronous and ends before either can run: `forget` is called by JavaScript on this thread, and
 *   finalizers run as tasks of their own. No native pointer is held across a callback or an `await`.
 * - Threads: nothing here runs on another thread. Signatures that do (see `signElsewhere` of the
 *   engine) are `node:crypto`'s own, whose jobs hold a reference to the key.
 */
const library = dlopen(null, {
  d2i_AutoPrivateKey: { arguments: ['u64', 'pointer', 'i64'], return: 'u64' },
  d2i_PUBKEY: { arguments: ['u64', 'pointer', 'i64'], return: 'u64' },
  EVP_PKEY_free: { arguments: ['u64'], return: 'void' },
  EVP_PKEY_CTX_new: { arguments: ['u64', 'u64'], return: 'u64' },
  EVP_PKEY_CTX_free: { arguments: ['u64'], return: 'void' },
  EVP_PKEY_sign_init: { arguments: ['u64'], return: 'i32' },
  EVP_PKEY_verify_init: { arguments: ['u64'], return: 'i32' },
  EVP_PKEY_sign: {
    arguments: ['u64', 'pointer', 'pointer', 'pointer', 'u64'],
    return: 'i32',
  },
  EVP_PKEY_verify: { arguments: ['u64', 'pointer', 'u64', 'pointer', 'u64'], return: 'i32' },
  EVP_PKEY_CTX_set_rsa_padding: { arguments: ['u64', 'i32'], return: 'i32' },
  EVP_PKEY_CTX_set_rsa_pss_saltlen: { arguments: ['u64', 'i32'], return: 'i32' },
  EVP_PKEY_CTX_set_signature_md: { arguments: ['u64', 'u64'], return: 'i32' },
  EVP_get_digestbyname: { arguments: ['pointer'], return: 'u64' },
  ERR_clear_error: { arguments: [], return: 'void' },
});

// Off the JavaScript heap: an ArrayBuffer of this size never moves.
const SIZE = 16 * 1024;
const memory = new ArrayBuffer(SIZE);
const bytes = new Uint8Array(memory);
const view = new DataView(memory);
const address = getRawPointer(memory);

/** A size_t or a pointer that a call reads and writes. */
const WORD_AT = 0;
const DATA_AT = 64;
const MAX_DATA = 1024;
const SIGNATURE_AT = DATA_AT + MAX_DATA;
const MAX_SIGNATURE = 1024;
const DER_AT = SIGNATURE_AT + MAX_SIGNATURE;
const word = address + BigInt(WORD_AT);
const data = address + BigInt(DATA_AT);
const signatureMemory = address + BigInt(SIGNATURE_AT);
const der = address + BigInt(DER_AT);

const RSA_PKCS1_PSS_PADDING = 6;
const MAX_SIGNATURE_T = BigInt(MAX_SIGNATURE);

function failed(what: string): StrongroomError {
  library.functions.ERR_clear_error();
  return new StrongroomError('DEVICE_ERROR', `OpenSSL could not ${what}`, { duty: 'internal' });
}

/** A key inside OpenSSL, and a context for ECDSA that is made once. */
interface NativeKey {
  readonly key: bigint;
  /** Bytes of `r` and of `s`; 0 for a key on no curve. */
  readonly order: number;
  context: bigint;
}

const ORDERS: ReadonlyMap<string, number> = new Map([
  ['prime256v1', 32],
  ['secp256k1', 32],
  ['secp384r1', 48],
  ['secp521r1', 66],
]);

const known = new WeakMap<KeyObject, NativeKey>();
const collected = new FinalizationRegistry<NativeKey>(free);

/** Wipes and frees what OpenSSL holds; freeing a null pointer does nothing. */
function free(native: NativeKey): void {
  library.functions.EVP_PKEY_CTX_free(native.context);
  library.functions.EVP_PKEY_free(native.key);
}

/** Frees what OpenSSL was given of a key that is destroyed or locked away, instead of later. */
export function forget(key: KeyObject): void {
  const native = known.get(key);
  if (native === undefined) return;
  known.delete(key);
  collected.unregister(native);
  free(native);
}

function nativeOf(key: KeyObject): NativeKey {
  const there = known.get(key);
  if (there !== undefined) return there;
  const made = load(key);
  known.set(key, made);
  collected.register(key, made, made);
  return made;
}

function load(key: KeyObject): NativeKey {
  const secret = key.type === 'private';
  const encoded: Uint8Array = key.export({ format: 'der', type: secret ? 'pkcs8' : 'spki' });
  try {
    if (encoded.length > SIZE - DER_AT) throw failed('take a key of this size');
    bytes.set(encoded, DER_AT);
    view.setBigUint64(WORD_AT, der, true);
    const length = BigInt(encoded.length);
    const pointer = secret
      ? library.functions.d2i_AutoPrivateKey(0n, word, length)
      : library.functions.d2i_PUBKEY(0n, word, length);
    if (pointer === 0n) throw failed('read a key');
    const order = ORDERS.get(key.asymmetricKeyDetails?.namedCurve ?? '') ?? 0;
    return { key: pointer, order, context: 0n };
  } finally {
    bytes.fill(0, DER_AT);
    encoded.fill(0);
  }
}

function signingContext(native: NativeKey): bigint {
  const context = library.functions.EVP_PKEY_CTX_new(native.key, 0n);
  if (context === 0n) throw failed('make a context');
  if (library.functions.EVP_PKEY_sign_init(context) === 1) return context;
  library.functions.EVP_PKEY_CTX_free(context);
  throw failed('begin a signature');
}

function putData(digest: Uint8Array): bigint {
  if (digest.length > MAX_DATA) throw failed('sign so many bytes');
  bytes.set(digest, DATA_AT);
  return BigInt(digest.length);
}

/** Length of the signature that now stands in its memory. */
function runSign(context: bigint, digest: Uint8Array): number {
  const length = putData(digest);
  view.setBigUint64(WORD_AT, MAX_SIGNATURE_T, true);
  if (library.functions.EVP_PKEY_sign(context, signatureMemory, word, data, length) !== 1) {
    throw failed('sign');
  }
  return view.getUint32(WORD_AT, true);
}

/** Copies one INTEGER of the DER signature behind each other with leading zeros; returns its end. */
function copyInteger(at: number, target: Uint8Array, end: number, size: number): number {
  let length = bytes[at + 1] as number;
  let from = at + 2;
  const next = from + length;
  while (length > size) {
    from++;
    length--;
  }
  for (let index = 0; index < length; index++) {
    target[end - length + index] = bytes[from + index] as number;
  }
  return next;
}

/** ECDSA over a digest as it is: `r` and `s` behind each other, each of the order's length. */
export function ecdsaSign(key: KeyObject, digest: Uint8Array): Uint8Array {
  const native = nativeOf(key);
  if (native.order === 0) throw failed('sign with a key on another curve');
  if (native.context === 0n) native.context = signingContext(native);
  runSign(native.context, digest);
  const signature = new Uint8Array(native.order * 2);
  // SEQUENCE { r INTEGER, s INTEGER }, whose length takes two bytes from 128 on (P-521).
  const first = SIGNATURE_AT + ((bytes[SIGNATURE_AT + 1] as number) < 0x80 ? 2 : 3);
  const second = copyInteger(first, signature, native.order, native.order);
  copyInteger(second, signature, native.order * 2, native.order);
  return signature;
}

/** DER of `r` and `s` into the signature's memory; its length. */
function putEcdsa(signature: Uint8Array, order: number): number {
  let at = SIGNATURE_AT + 3;
  for (const half of [signature.subarray(0, order), signature.subarray(order)]) {
    let start = 0;
    while (start < half.length - 1 && half[start] === 0) start++;
    const pad = (half[start] as number) >= 0x80 ? 1 : 0;
    bytes[at] = 0x02;
    bytes[at + 1] = half.length - start + pad;
    bytes[at + 2] = 0;
    bytes.set(half.subarray(start), at + 2 + pad);
    at += 2 + pad + half.length - start;
  }
  const inside = at - SIGNATURE_AT - 3;
  if (inside >= 0x80) {
    bytes.set([0x30, 0x81, inside], SIGNATURE_AT);
    return inside + 3;
  }
  bytes.copyWithin(SIGNATURE_AT + 2, SIGNATURE_AT + 3, at);
  bytes.set([0x30, inside], SIGNATURE_AT);
  return inside + 2;
}

function runVerify(context: bigint, length: number, digest: Uint8Array): boolean {
  const digestLength = putData(digest);
  const result = library.functions.EVP_PKEY_verify(
    context,
    signatureMemory,
    BigInt(length),
    data,
    digestLength,
  );
  if (result !== 1) library.functions.ERR_clear_error();
  return result === 1;
}

function verifying<Result>(native: NativeKey, work: (context: bigint) => Result): Result {
  const context = library.functions.EVP_PKEY_CTX_new(native.key, 0n);
  if (context === 0n) throw failed('make a context');
  try {
    if (library.functions.EVP_PKEY_verify_init(context) !== 1) throw failed('begin a verification');
    return work(context);
  } finally {
    library.functions.EVP_PKEY_CTX_free(context);
  }
}

export function ecdsaVerify(key: KeyObject, digest: Uint8Array, signature: Uint8Array): boolean {
  const native = nativeOf(key);
  if (native.order === 0 || signature.length !== native.order * 2) return false;
  return verifying(native, (context) =>
    runVerify(context, putEcdsa(signature, native.order), digest),
  );
}

type PssHash = 'sha256' | 'sha384' | 'sha512';

function usePss(context: bigint, hash: PssHash, saltLength: number): void {
  bytes.fill(0, DATA_AT, DATA_AT + 16);
  bytes.set(Buffer.from(hash, 'latin1'), DATA_AT);
  const md = library.functions.EVP_get_digestbyname(data);
  if (
    md === 0n ||
    library.functions.EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) !== 1 ||
    library.functions.EVP_PKEY_CTX_set_signature_md(context, md) !== 1 ||
    library.functions.EVP_PKEY_CTX_set_rsa_pss_saltlen(context, saltLength) !== 1
  ) {
    throw failed('use these parameters of PSS');
  }
}

/** RSASSA-PSS over a digest as it is; the mask is made with the same hash. */
export function pssSign(
  key: KeyObject,
  digest: Uint8Array,
  hash: PssHash,
  saltLength: number,
): Uint8Array {
  const context = signingContext(nativeOf(key));
  try {
    usePss(context, hash, saltLength);
    const length = runSign(context, digest);
    return bytes.slice(SIGNATURE_AT, SIGNATURE_AT + length);
  } finally {
    library.functions.EVP_PKEY_CTX_free(context);
  }
}

export function pssVerify(
  key: KeyObject,
  digest: Uint8Array,
  hash: PssHash,
  saltLength: number,
  signature: Uint8Array,
): boolean {
  if (signature.length > MAX_SIGNATURE) return false;
  return verifying(nativeOf(key), (context) => {
    usePss(context, hash, saltLength);
    bytes.set(signature, SIGNATURE_AT);
    return runVerify(context, signature.length, digest);
  });
}
