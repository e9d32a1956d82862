import { BackupError } from '../../errors.ts';
import { decodeNode, encodeNode } from './node.ts';
import type { Node } from './node.ts';
import { fieldsOf, listField, parseJson } from './parse.ts';

const encoder = new TextEncoder();

/**
 * A tree blob: one directory's nodes in the order of their raw names, each name once.
 * @throws {BackupError} BACKUP_MALFORMED when they are not in order
 */
export function encodeTree(nodes: readonly Node[]): Uint8Array {
  let json = '{"nodes":[';
  let last: string | undefined;
  for (const node of nodes) {
    if (last !== undefined) {
      if (node.name <= last) {
        throw new BackupError('BACKUP_MALFORMED', 'the names of a tree are not in order', {
          duty: 'internal',
        });
      }
      json += ',';
    }
    json += encodeNode(node);
    last = node.name;
  }
  return encoder.encode(`${json}]}\n`);
}

/**
 * The nodes of a tree blob, in the order in which they stand there.
 * @throws {BackupError} BACKUP_MALFORMED
 */
export function decodeTree(bytes: Uint8Array): Node[] {
  const fields = fieldsOf(parseJson(bytes, 'a tree'), 'a tree');
  return listField(fields, 'nodes', 'a tree').map(decodeNode);
}

/** The nodes whose name stands not behind the one before: a tree of another hand than ours. */
export function outOfOrder(nodes: readonly Node[]): readonly string[] {
  return nodes
    .filter((node, index) => index > 0 && node.name <= (nodes[index - 1]?.name ?? ''))
    .map((node) => node.name);
}
