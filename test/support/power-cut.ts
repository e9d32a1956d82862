// What a disk may hold after a power cut, from the system calls that a program made.
import type { Random } from './seeded.ts';

/** One thing that a program asked of the file system, or an answer that it gave. */
export type Step =
  | { readonly kind: 'create'; readonly path: string }
  | {
      readonly kind: 'write';
      readonly path: string;
      readonly at: number;
      readonly data: Uint8Array;
    }
  | { readonly kind: 'truncate'; readonly path: string; readonly length: number }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'sync'; readonly path: string }
  | { readonly kind: 'sync-folder' }
  | { readonly kind: 'answer'; readonly text: string };

const SECTOR = 512;

/** The bytes of a string as `strace -xx` prints it. */
function unescape(text: string): Uint8Array {
  return Uint8Array.fromHex(text.replaceAll('\\x', ''));
}

/**
 * Reads a trace of `strace -y -xx` into steps in one folder.
 * @param folder the absolute path whose files count
 * @param ignored names in it that do not
 */
export function stepsOf(trace: string, folder: string, ignored: RegExp): Step[] {
  const steps: Step[] = [];
  const durable = new Set<string>();
  const known = new Set<string>();
  const places = new Map<string, number>();
  const written = (path: string, fd: string, at: number, data: Uint8Array): void => {
    steps.push({ kind: 'write', path, at, data });
    if (durable.has(fd)) steps.push({ kind: 'sync', path });
  };
  const nameOf = (path: string): string | undefined => {
    if (!path.startsWith(`${folder}/`)) return undefined;
    const name = path.slice(folder.length + 1);
    return ignored.test(name) ? undefined : name;
  };
  for (const line of trace.split('\n')) {
    const call = /^(\w+)\((.*)\) = (-?\d+)/.exec(line);
    if (call === null || Number(call[3]) < 0) continue;
    const [, name = '', words = ''] = call;
    const strings = [...words.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map((each) =>
      unescape(each[1] ?? ''),
    );
    const onFile = /^(\d+)<([^>]*)>/.exec(words);
    const fd = onFile?.[1] ?? '';
    const opened = Buffer.from(onFile?.[2] ?? '').toString();
    const path = opened.includes('\\x') ? Buffer.from(unescape(opened)).toString() : opened;
    const file = nameOf(path);
    const first = nameOf(Buffer.from(strings[0] ?? []).toString());
    switch (name) {
      case 'openat':
        if (first === undefined) break;
        places.set(call[3] ?? '', 0);
        durable.delete(call[3] ?? '');
        if (words.includes('O_DSYNC')) durable.add(call[3] ?? '');
        if (words.includes('O_CREAT') && !known.has(first))
          steps.push({ kind: 'create', path: first });
        if (words.includes('O_CREAT')) known.add(first);
        if (words.includes('O_TRUNC')) steps.push({ kind: 'truncate', path: first, length: 0 });
        break;
      case 'write':
        if (fd === '1')
          steps.push({ kind: 'answer', text: Buffer.from(strings[0] ?? []).toString() });
        if (file === undefined) break;
        written(file, fd, places.get(fd) ?? 0, strings[0] ?? new Uint8Array());
        places.set(fd, (places.get(fd) ?? 0) + Number(call[3]));
        break;
      case 'pwrite64':
        if (file === undefined) break;
        written(file, fd, Number(/, (\d+)$/.exec(words)?.[1]), strings[0] ?? new Uint8Array());
        break;
      case 'ftruncate':
        if (file === undefined) break;
        steps.push({ kind: 'truncate', path: file, length: Number(/, (\d+)$/.exec(words)?.[1]) });
        break;
      case 'fsync':
      case 'fdatasync':
        if (path === folder) steps.push({ kind: 'sync-folder' });
        else if (file !== undefined) steps.push({ kind: 'sync', path: file });
        break;
      case 'rename': {
        const to = nameOf(Buffer.from(strings[1] ?? []).toString());
        if (first === undefined || to === undefined) break;
        steps.push({ kind: 'rename', path: first, to });
        known.delete(first);
        known.add(to);
        break;
      }
      case 'unlink':
        if (first === undefined) break;
        steps.push({ kind: 'remove', path: first });
        known.delete(first);
        break;
      default:
        break;
    }
  }
  return steps;
}

type Change = { readonly at: number; readonly data: Uint8Array } | { readonly length: number };

interface Inode {
  durable: Uint8Array;
  pending: Change[];
}

function changed(content: Uint8Array, change: Change): Uint8Array {
  if ('length' in change) {
    const cut = new Uint8Array(change.length);
    cut.set(content.subarray(0, change.length));
    return cut;
  }
  const { at, data } = change;
  const grown = new Uint8Array(Math.max(content.length, at + data.length));
  grown.set(content);
  grown.set(data, at);
  return grown;
}

type Naming = { readonly name: string; readonly inode: Inode | undefined };

/**
 * A disk with a cache: what was not synced may or may not have arrived, a write also in part, by
 * sectors; names arrive in their order.
 */
export class CachedDisk {
  readonly #durableNames = new Map<string, Inode>();
  readonly #names = new Map<string, Inode>();
  #pendingNames: Naming[] = [];

  apply(step: Step): void {
    switch (step.kind) {
      case 'create':
        this.#name(step.path, { durable: new Uint8Array(), pending: [] });
        break;
      case 'write':
        this.#inode(step.path).pending.push({ at: step.at, data: step.data });
        break;
      case 'truncate':
        this.#inode(step.path).pending.push({ length: step.length });
        break;
      case 'rename': {
        const inode = this.#inode(step.path);
        // One entry of the journal: both names change together.
        this.#names.delete(step.path);
        this.#name(step.to, inode);
        this.#pendingNames.push({ name: step.path, inode: undefined });
        break;
      }
      case 'remove':
        this.#name(step.path, undefined);
        break;
      case 'sync': {
        const inode = this.#inode(step.path);
        inode.durable = inode.pending.reduce(changed, inode.durable);
        inode.pending = [];
        break;
      }
      case 'sync-folder':
        for (const each of this.#pendingNames) this.#rename(each);
        this.#pendingNames = [];
        break;
      case 'answer':
        break;
    }
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw new Error(`${path} is not there`);
    return inode;
  }

  #name(name: string, inode: Inode | undefined): void {
    if (inode === undefined) this.#names.delete(name);
    else this.#names.set(name, inode);
    this.#pendingNames.push({ name, inode });
  }

  #rename({ name, inode }: Naming): void {
    if (inode === undefined) this.#durableNames.delete(name);
    else this.#durableNames.set(name, inode);
  }

  /** The files that one power cut may leave. */
  cut(random: Random): Map<string, Uint8Array> {
    const names = new Map(this.#durableNames);
    const arrived = this.#pendingNames.slice(0, random(this.#pendingNames.length + 1));
    for (const { name, inode } of arrived) {
      if (inode === undefined) names.delete(name);
      else names.set(name, inode);
    }
    return new Map([...names].map(([name, inode]) => [name, contentAfterCut(inode, random)]));
  }
}

function contentAfterCut(inode: Inode, random: Random): Uint8Array {
  let content = inode.durable;
  // All, nothing, or any of what is pending.
  const mood = random(3);
  for (const change of inode.pending) {
    if (mood === 0 || (mood === 2 && random(2) === 0)) continue;
    if ('length' in change || mood === 1 || random(3) > 0) {
      content = changed(content, change);
      continue;
    }
    const { at, data } = change;
    const sectors = Math.ceil(data.length / SECTOR);
    for (let sector = 0; sector < sectors; sector++) {
      if (random(2) === 0) continue;
      const from = sector * SECTOR;
      content = changed(content, { at: at + from, data: data.subarray(from, from + SECTOR) });
    }
  }
  return content;
}
