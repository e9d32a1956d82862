/**
 * A CK_ULONG that tells nothing (CK_UNAVAILABLE_INFORMATION) inside the engine; fronts turn it into
 * the 64-bit all-ones value of the wire.
 */
export const UNAVAILABLE: number = -1;

/**
 * The value of a PKCS#11 attribute: CK_BBOOL, CK_ULONG, bytes (strings, dates and big numbers are
 * bytes too), a list of mechanisms, or a template.
 */
export type AttributeValue = boolean | number | Uint8Array | readonly number[] | Template;

/** Attributes by their CKA number. Private and secret values never stand in one that leaves the engine. */
export type Template = ReadonlyMap<number, AttributeValue>;

/** What reading one attribute gave: a value, or why there is none (PKCS#11 v3.1, C_GetAttributeValue). */
export type AttributeReading =
  | { readonly type: number; readonly value: AttributeValue }
  | { readonly type: number; readonly missing: 'sensitive' | 'invalid' };
