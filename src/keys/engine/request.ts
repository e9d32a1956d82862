import type { AttributeReading, Template } from './attribute.ts';
import type { Mechanism } from './mechanism/mechanism.ts';

/** Names an object; 32 lower-case hex digits, never used again after the object is destroyed. */
export type ObjectId = string;

/** Who asks. A front makes one a connection and raises `role` when a PIN was right. */
export interface Caller {
  readonly front: 'pkcs11' | 'ssh-agent' | 'client';
  /** The peer of the socket, from SO_PEERCRED. */
  readonly uid: number;
  readonly pid: number;
  readonly role: Role;
  /** Owner of the session objects that this caller makes and sees: one per client program. */
  readonly scope: string;
  /** What the front knows of this one use, for the question of a key marked `confirm`. */
  readonly occasion?: string;
}

/** `public` sees public objects only; `user` uses keys; `security-officer` sets PINs. */
export type Role = 'public' | 'user' | 'security-officer';

/** Objects whose attributes match all of the template; of private ones only what the caller may see. */
export interface FindRequest {
  readonly verb: 'find';
  readonly template: Template;
}

export interface AttributesRequest {
  readonly verb: 'attributes';
  readonly object: ObjectId;
  /** CKA numbers; empty means all that may be read. */
  readonly types: readonly number[];
}

/** C_CreateObject: an import. CKA_TOKEN false (the default) makes a session object. */
export interface CreateRequest {
  readonly verb: 'create';
  readonly template: Template;
}

export interface CopyRequest {
  readonly verb: 'copy';
  readonly object: ObjectId;
  readonly template: Template;
}

export interface SetRequest {
  readonly verb: 'set';
  readonly object: ObjectId;
  readonly template: Template;
}

export interface DestroyRequest {
  readonly verb: 'destroy';
  readonly object: ObjectId;
}

export interface GenerateRequest {
  readonly verb: 'generate';
  readonly mechanism: Mechanism;
  readonly template: Template;
}

export interface GeneratePairRequest {
  readonly verb: 'generate-pair';
  readonly mechanism: Mechanism;
  readonly publicTemplate: Template;
  readonly privateTemplate: Template;
}

export interface SignRequest {
  readonly verb: 'sign';
  readonly key: ObjectId;
  readonly mechanism: Mechanism;
  readonly data: Uint8Array;
}

export interface VerifyRequest {
  readonly verb: 'verify';
  readonly key: ObjectId;
  readonly mechanism: Mechanism;
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
}

export interface EncryptRequest {
  readonly verb: 'encrypt';
  readonly key: ObjectId;
  readonly mechanism: Mechanism;
  readonly data: Uint8Array;
}

export interface DecryptRequest {
  readonly verb: 'decrypt';
  readonly key: ObjectId;
  readonly mechanism: Mechanism;
  readonly data: Uint8Array;
}

export interface WrapRequest {
  readonly verb: 'wrap';
  readonly mechanism: Mechanism;
  readonly wrappingKey: ObjectId;
  readonly key: ObjectId;
}

export interface UnwrapRequest {
  readonly verb: 'unwrap';
  readonly mechanism: Mechanism;
  readonly unwrappingKey: ObjectId;
  readonly wrapped: Uint8Array;
  readonly template: Template;
}

export interface DeriveRequest {
  readonly verb: 'derive';
  readonly mechanism: Mechanism;
  readonly baseKey: ObjectId;
  readonly template: Template;
}

/** PKCS#11 v3.2 C_EncapsulateKey: a shared secret as a new key, and the ciphertext for the other side. */
export interface EncapsulateRequest {
  readonly verb: 'encapsulate';
  readonly mechanism: Mechanism;
  readonly publicKey: ObjectId;
  readonly template: Template;
}

export interface DecapsulateRequest {
  readonly verb: 'decapsulate';
  readonly mechanism: Mechanism;
  readonly privateKey: ObjectId;
  readonly ciphertext: Uint8Array;
  readonly template: Template;
}

export interface RandomRequest {
  readonly verb: 'random';
  /** 1 to 1,048,576 bytes. */
  readonly length: number;
}

export type KeysRequest =
  | FindRequest
  | AttributesRequest
  | CreateRequest
  | CopyRequest
  | SetRequest
  | DestroyRequest
  | GenerateRequest
  | GeneratePairRequest
  | SignRequest
  | VerifyRequest
  | EncryptRequest
  | DecryptRequest
  | WrapRequest
  | UnwrapRequest
  | DeriveRequest
  | EncapsulateRequest
  | DecapsulateRequest
  | RandomRequest;

/** The reply of each verb. `verify` answers with nothing or throws SIGNATURE_INVALID. */
export interface Replies {
  readonly find: readonly ObjectId[];
  readonly attributes: readonly AttributeReading[];
  readonly create: ObjectId;
  readonly copy: ObjectId;
  readonly set: undefined;
  readonly destroy: undefined;
  readonly generate: ObjectId;
  readonly 'generate-pair': { readonly publicKey: ObjectId; readonly privateKey: ObjectId };
  readonly sign: Uint8Array;
  readonly verify: undefined;
  readonly encrypt: Uint8Array;
  readonly decrypt: Uint8Array;
  readonly wrap: Uint8Array;
  readonly unwrap: ObjectId;
  readonly derive: ObjectId;
  readonly encapsulate: { readonly ciphertext: Uint8Array; readonly secret: ObjectId };
  readonly decapsulate: ObjectId;
  readonly random: Uint8Array;
}

export type ReplyTo<Request extends KeysRequest> = Replies[Request['verb']];

/** What an operation that is begun and finished apart does (C_SignInit … C_SignFinal). */
export interface BeginRequest {
  readonly verb: 'sign' | 'verify' | 'encrypt' | 'decrypt';
  readonly key: ObjectId;
  readonly mechanism: Mechanism;
}

/** A permitted operation: `whole` does it, once; or `inParts` begins it, once. */
export interface ActiveOperation {
  /**
   * The result; for `verify` the signature is given and the result is empty. A promise only where
   * somebody has to confirm it first.
   * @throws {KeysError} SIGNATURE_INVALID, and what the mechanism throws
   */
  whole(data: Uint8Array, signature?: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /**
   * `whole` on another thread, where it takes long enough: signatures of RSA and ML-DSA. What it is
   * given is copied; if the key is destroyed or locked away meanwhile, nothing is given out.
   */
  readonly elsewhere: ((data: Uint8Array) => Promise<Uint8Array>) | undefined;
  /** Bytes that `whole` of `inputLength` bytes gives at the most, for length queries. */
  outputBound(inputLength: number): number;
  /** Whether `outputBound` is what comes, not only the most. */
  readonly exactBound: boolean;
  /**
   * The operation in parts, or `undefined` where the parts have to be collected for `whole`: the
   * scheme needs its data at once, or somebody has to confirm first.
   * @throws {KeysError} what the mechanism throws
   */
  inParts(): PartedOperation | undefined;
}

/** An operation whose data come in parts. Every method throws KeysError; then it is over. */
export interface PartedOperation {
  /** Bytes that the next `update` with so many gives, exactly. */
  updateLength(partLength: number): number;
  update(part: Uint8Array): Uint8Array;
  /** Bytes that `finish` gives at the most. */
  finishBound(): number;
  /** @throws {KeysError} SIGNATURE_INVALID for a wrong `signature` */
  finish(signature?: Uint8Array): Uint8Array;
}

/**
 * The engine as every front sees it. A promise comes back only where something must be waited for
 * (key generation, a key that asks for confirmation): the hot path stays synchronous.
 */
export interface KeysService {
  /** @throws {KeysError} with the PKCS#11 return value as its code */
  handle<Request extends KeysRequest>(
    request: Request,
    caller: Caller,
  ): ReplyTo<Request> | Promise<ReplyTo<Request>>;
  /** Finds the key, checks state, purpose, mechanism and permission for what follows. @throws {KeysError} */
  begin(request: BeginRequest, caller: Caller): ActiveOperation;
  /** Rises when keys are locked away: logins and operations of before are void. */
  readonly epoch: number;
  /** Destroys the session objects of a client program that went away. */
  endScope(scope: string): void;
  readonly token: TokenService;
  readonly state: 'operational' | 'locked' | 'failed';
}

/** The token's face: what PKCS#11 tells about it, and its PINs. */
export interface TokenService {
  info(): TokenInfo;
  /** @throws {KeysError} PIN_INCORRECT, PIN_LOCKED, USER_PIN_NOT_INITIALIZED */
  login(role: 'user' | 'security-officer', pin: Uint8Array): Promise<void>;
  /** C_SetPIN. @throws {KeysError} PIN_INCORRECT, PIN_LEN_RANGE, PIN_LOCKED */
  setPin(role: 'user' | 'security-officer', oldPin: Uint8Array, newPin: Uint8Array): Promise<void>;
  /** C_InitPIN, by the security officer: sets the user's PIN and clears its failures. */
  initPin(newPin: Uint8Array): Promise<void>;
  /** C_InitToken: destroys every object and sets a label. @throws {KeysError} PIN_INCORRECT */
  initToken(securityOfficerPin: Uint8Array, label: string): Promise<void>;
}

export interface TokenInfo {
  readonly label: string;
  /** 16 characters at most. */
  readonly serialNumber: string;
  readonly model: string;
  readonly userPinInitialised: boolean;
  readonly userPinLocked: boolean;
  readonly userPinFailures: number;
  readonly securityOfficerPinLocked: boolean;
  readonly securityOfficerPinFailures: number;
  readonly triesBeforeLock: number;
  readonly pinLength: { readonly least: number; readonly most: number };
  readonly publicObjects: number;
  readonly privateObjects: number;
}
