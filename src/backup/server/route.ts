import { isObjectName } from '../targets/target.ts';
import type { ObjectKind, ObjectRef } from '../targets/target.ts';
import { isPathWord } from './accounts.ts';

/** What a request of restic's REST protocol is about. */
export type Route =
  | { readonly about: 'repository'; readonly path: string }
  | {
      readonly about: 'kind';
      readonly path: string;
      readonly kind: Exclude<ObjectKind, 'config'>;
    }
  | { readonly about: 'object'; readonly path: string; readonly ref: ObjectRef };

const LISTED: ReadonlySet<string> = new Set(['keys', 'locks', 'snapshots', 'index', 'data']);
/** Folders that a repository may lie deep. */
const MAX_DEPTH = 4;

function isListed(word: string): word is Exclude<ObjectKind, 'config'> {
  return LISTED.has(word);
}

/**
 * Reads the path of a URL. Words are letters, digits, `.`, `_`, `-` and begin with a letter or
 * digit, so that no path leads anywhere but into the storage.
 * @returns `undefined` for what is no path of the protocol
 */
export function routeOf(pathname: string): Route | undefined {
  if (pathname.length > 1024 || !pathname.startsWith('/')) return undefined;
  const words = pathname.slice(1).split('/');
  const folder = words.at(-1) === '';
  if (folder) words.pop();
  const last = words.at(-1) ?? '';
  const before = words.at(-2) ?? '';
  if (!folder && last === 'config') {
    return objectAt(words.slice(0, -1), { kind: 'config', name: '' });
  }
  if (!folder && isListed(before)) {
    return isObjectName(last)
      ? objectAt(words.slice(0, -2), { kind: before, name: last })
      : undefined;
  }
  if (isListed(last)) {
    const path = pathOf(words.slice(0, -1));
    return path === undefined ? undefined : { about: 'kind', path, kind: last };
  }
  const path = folder ? pathOf(words) : undefined;
  return path === undefined ? undefined : { about: 'repository', path };
}

function objectAt(words: readonly string[], ref: ObjectRef): Route | undefined {
  const path = pathOf(words);
  return path === undefined ? undefined : { about: 'object', path, ref };
}

function pathOf(words: readonly string[]): string | undefined {
  const sound = words.length > 0 && words.length <= MAX_DEPTH && words.every(isPathWord);
  return sound ? words.join('/') : undefined;
}
