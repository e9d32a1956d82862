import { fieldsOf, malformed, numberField, parseJson, textField } from './parse.ts';

/** What is fixed when a repository is made. */
export interface RepositoryConfig {
  /** 1: nothing is compressed; 2: blobs may be, and unpacked files are. */
  readonly version: 1 | 2;
  /** 64 hexadecimal digits, random: which repository this is. */
  readonly id: string;
  /** Irreducible, of degree 53, over GF(2): where files are cut depends on it. */
  readonly polynomial: bigint;
}

export function encodeConfig({ version, id, polynomial }: RepositoryConfig): Uint8Array {
  const json = `{"version":${version},"id":"${id}","chunker_polynomial":"${polynomial.toString(16)}"}`;
  return new TextEncoder().encode(json);
}

/** @throws {BackupError} BACKUP_MALFORMED; the polynomial is not tested here */
export function decodeConfig(bytes: Uint8Array): RepositoryConfig {
  const what = 'the config';
  const fields = fieldsOf(parseJson(bytes, what), what);
  const version = numberField(fields, 'version', what);
  if (version !== 1 && version !== 2) {
    throw malformed(what, `format version ${version} is not known here`);
  }
  const id = textField(fields, 'id', what);
  if (!/^[0-9a-f]{64}$/.test(id)) throw malformed(what, 'its id is none');
  const polynomial = textField(fields, 'chunker_polynomial', what);
  if (!/^[0-9a-f]{1,16}$/.test(polynomial)) throw malformed(what, 'its polynomial is none');
  return { version, id, polynomial: BigInt(`0x${polynomial}`) };
}
