import type { ObjectRef } from './target.ts';

/** restic's default layout as a path below the repository: `config`, `keys/…`, `data/ab/ab…`. */
export function layoutPath({ kind, name }: ObjectRef): string {
  if (kind === 'config') return 'config';
  return kind === 'data' ? `data/${name.slice(0, 2)}/${name}` : `${kind}/${name}`;
}
