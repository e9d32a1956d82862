import { KeysError } from '../../errors.ts';

type NumberedName = 'ed25519' | 'ed448' | 'x25519' | 'x448';

/** A curve that keys are kept on. */
export type Curve = CurveFacts &
  (
    | { readonly family: 'weierstrass'; readonly name: string }
    | { readonly family: 'edwards' | 'montgomery'; readonly name: NumberedName }
  );

/** Its name is the one that `node:crypto` uses. */
interface CurveFacts {
  /** DER of its object identifier: CKA_EC_PARAMS (PKCS#11 v3.1, 6.3). */
  readonly parameters: Uint8Array;
  /** Bytes of a private value, and of one coordinate or of the one number that is a public key. */
  readonly size: number;
  /** Bytes of a public key: `04 ‖ x ‖ y`, or the number. */
  readonly publicLength: number;
  /** The order of the base point, where private values are numbers below it (SEC 1, 3.2.1). */
  readonly order: Uint8Array | undefined;
  /** Bytes of a signature; 0 where there are none. */
  readonly signature: number;
}

function weierstrass(name: string, oid: string, size: number, order: string): Curve {
  return {
    name,
    family: 'weierstrass',
    parameters: Uint8Array.fromHex(oid),
    size,
    publicLength: 1 + 2 * size,
    order: Uint8Array.fromHex(order),
    signature: 2 * size,
  };
}

function numbered(
  name: NumberedName,
  family: 'edwards' | 'montgomery',
  oid: string,
  size: number,
): Curve {
  const signature = family === 'edwards' ? 2 * size : 0;
  const parameters = Uint8Array.fromHex(oid);
  return { name, family, parameters, size, publicLength: size, order: undefined, signature };
}

/** Orders from SP 800-186, 3.2.1, and SEC 2, 2.4.1. */
const CURVES: readonly Curve[] = [
  weierstrass(
    'prime256v1',
    '06082a8648ce3d030107',
    32,
    'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
  ),
  weierstrass(
    'secp384r1',
    '06052b81040022',
    48,
    'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
  ),
  weierstrass(
    'secp521r1',
    '06052b81040023',
    66,
    '01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409',
  ),
  weierstrass(
    'secp256k1',
    '06052b8104000a',
    32,
    'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141',
  ),
  // RFC 8410, 3.
  numbered('ed25519', 'edwards', '06032b6570', 32),
  numbered('ed448', 'edwards', '06032b6571', 57),
  numbered('x25519', 'montgomery', '06032b656e', 32),
  numbered('x448', 'montgomery', '06032b656f', 56),
];

/** Other names under which programs ask for a curve: the strings of PKCS#11 v3.0, and older OIDs. */
const ALIASES: readonly (readonly [string, string])[] = [
  ['130c656477617264733235353139', 'ed25519'], // PrintableString edwards25519
  ['06092b06010401da470f01', 'ed25519'], // 1.3.6.1.4.1.11591.15.1
  ['130a65647761726473343438', 'ed448'], // PrintableString edwards448
  ['130a63757276653235353139', 'x25519'], // PrintableString curve25519
  ['060a2b060104019755010501', 'x25519'], // 1.3.6.1.4.1.3029.1.5.1
  ['13086375727665343438', 'x448'], // PrintableString curve448
];

const BY_NAME: ReadonlyMap<string, Curve> = new Map(CURVES.map((curve) => [curve.name, curve]));
const BY_PARAMETERS: ReadonlyMap<string, Curve> = new Map([
  ...CURVES.map((curve) => [curve.parameters.toHex(), curve] as const),
  ...ALIASES.flatMap(([parameters, name]) => {
    const curve = BY_NAME.get(name);
    return curve === undefined ? [] : [[parameters, curve] as const];
  }),
]);

/** The curve that `node:crypto` calls so, or `undefined`. */
export function curveNamed(name: string | undefined): Curve | undefined {
  return BY_NAME.get(name ?? '');
}

/**
 * The curve of CKA_EC_PARAMS.
 * @throws {KeysError} ATTRIBUTE_VALUE_INVALID when it is none of those kept here
 */
export function curveOf(parameters: Uint8Array | undefined): Curve {
  const curve = parameters === undefined ? undefined : BY_PARAMETERS.get(parameters.toHex());
  if (curve !== undefined) return curve;
  throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'keys on this curve are not kept here');
}
