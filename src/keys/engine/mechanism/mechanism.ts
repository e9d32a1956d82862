/** The parameter of a mechanism, already taken apart. */
export type MechanismParameter =
  | { readonly kind: 'none' }
  | { readonly kind: 'iv'; readonly iv: Uint8Array }
  | {
      readonly kind: 'gcm';
      readonly iv: Uint8Array;
      readonly aad: Uint8Array;
      readonly tagBits: number;
    }
  | { readonly kind: 'ctr'; readonly counterBits: number; readonly block: Uint8Array }
  | {
      readonly kind: 'pss';
      readonly hash: number;
      readonly mgf: number;
      readonly saltLength: number;
    }
  | {
      readonly kind: 'oaep';
      readonly hash: number;
      readonly mgf: number;
      readonly label: Uint8Array;
    }
  | {
      readonly kind: 'ecdh';
      readonly kdf: number;
      readonly sharedData: Uint8Array;
      readonly publicData: Uint8Array;
    }
  | {
      readonly kind: 'hkdf';
      readonly extract: boolean;
      readonly expand: boolean;
      readonly hash: number;
      readonly salt: Uint8Array;
      readonly info: Uint8Array;
    }
  | { readonly kind: 'eddsa'; readonly prehash: boolean; readonly context: Uint8Array }
  | { readonly kind: 'mldsa'; readonly context: Uint8Array; readonly hedge: boolean }
  | { readonly kind: 'mac'; readonly length: number };

/** A CKM number and its parameter. */
export interface Mechanism {
  readonly type: number;
  readonly parameter: MechanismParameter;
}

export type Operation =
  | 'sign'
  | 'verify'
  | 'encrypt'
  | 'decrypt'
  | 'digest'
  | 'wrap'
  | 'unwrap'
  | 'derive'
  | 'generate'
  | 'generate-pair'
  | 'encapsulate'
  | 'decapsulate';

/** What a mechanism is and which keys it takes. */
export interface MechanismInfo {
  readonly type: number;
  /** `ecdsa-sha256`, for people. */
  readonly label: string;
  readonly operations: ReadonlySet<Operation>;
  readonly keyTypes: readonly number[];
}
