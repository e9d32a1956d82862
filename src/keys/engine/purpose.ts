/**
 * What a key is for: one thing, fixed when it is made (SP 800-57 part 1, 5.2).
 *
 * | purpose | private or secret half may | public half may |
 * |---|---|---|
 * | `sign` | sign | verify |
 * | `mac` | sign and verify (secret key) | – |
 * | `encrypt` | decrypt, and encrypt with a secret key | encrypt |
 * | `wrap` | unwrap, and wrap with a secret key | wrap |
 * | `derive` | derive | derive |
 * | `kem` | decapsulate | encapsulate |
 * | `store` | nothing: certificates, data and keys kept for others to read | – |
 */
export type Purpose = 'sign' | 'mac' | 'encrypt' | 'wrap' | 'derive' | 'kem' | 'store';

export const PURPOSES: readonly Purpose[] = [
  'sign',
  'mac',
  'encrypt',
  'wrap',
  'derive',
  'kem',
  'store',
];
