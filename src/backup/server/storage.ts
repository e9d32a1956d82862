import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { LocalTarget } from '../targets/local.ts';
import { openTarget } from '../targets/open.ts';
import type { OpenOptions } from '../targets/open.ts';
import { OBJECT_KINDS } from '../targets/target.ts';
import type { Target } from '../targets/target.ts';

/** What stands behind a server: repositories by their path. */
export interface Storage {
  readonly location: string;
  /** @param path words between slashes, checked before */
  open(path: string): Promise<Target>;
  /** Bytes that the objects of a repository have. */
  usage(path: string): Promise<number>;
  /** Paths of what is kept below a folder; only what can be told from outside. */
  repositories(folder: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Sum of the sizes of a repository's objects. */
async function usageOf(target: Target): Promise<number> {
  let sum = 0;
  for (const kind of OBJECT_KINDS) {
    if (kind === 'config') continue;
    for (const { size } of await target.list(kind)) sum += size;
  }
  return sum;
}

/** Repositories in folders of this machine. */
export class LocalStorage implements Storage {
  readonly location: string;
  readonly #open = new Map<string, LocalTarget>();

  /** @param root an absolute path; each repository is a folder in it */
  constructor(root: string) {
    this.location = root;
  }

  open(path: string): Promise<Target> {
    let target = this.#open.get(path);
    if (target === undefined) {
      target = new LocalTarget(join(this.location, path));
      this.#open.set(path, target);
    }
    return Promise.resolve(target);
  }

  async usage(path: string): Promise<number> {
    return await usageOf(await this.open(path)).catch(() => 0);
  }

  async repositories(folder: string): Promise<readonly string[]> {
    const found: string[] = [];
    const look = async (path: string, depth: number): Promise<void> => {
      const isRepository = await lstat(join(this.location, path, 'config')).then(
        (stat) => stat.isFile(),
        () => false,
      );
      if (isRepository) found.push(path);
      if (isRepository || depth === 0) return;
      const entries = await opendir(join(this.location, path)).catch(() => undefined);
      if (entries === undefined) return;
      for await (const entry of entries) {
        if (entry.isDirectory()) await look(`${path}/${entry.name}`, depth - 1);
      }
    };
    await look(folder, 3);
    return found;
  }

  async close(): Promise<void> {
    for (const target of this.#open.values()) await target.close();
  }
}

/** Repositories below a location that some other target keeps, an S3 bucket for example. */
export class RemoteStorage implements Storage {
  readonly location: string;
  readonly #options: OpenOptions;
  readonly #open = new Map<string, Promise<Target>>();

  /** @param location as `openTarget` takes it; each repository's path is added behind it */
  constructor(location: string, options: OpenOptions = {}) {
    this.location = location.replace(/\/+$/, '');
    this.#options = options;
  }

  async open(path: string): Promise<Target> {
    let target = this.#open.get(path);
    if (target === undefined) {
      target = openTarget(`${this.location}/${path}`, this.#options);
      this.#open.set(path, target);
    }
    return await target;
  }

  async usage(path: string): Promise<number> {
    return await usageOf(await this.open(path));
  }

  /** Only those that were opened: a bucket is not searched. */
  repositories(folder: string): Promise<readonly string[]> {
    const own = [...this.#open.keys()].filter(
      (path) => path === folder || path.startsWith(`${folder}/`),
    );
    return Promise.resolve(own.length === 0 ? [folder] : own);
  }

  async close(): Promise<void> {
    for (const target of this.#open.values()) await (await target).close();
  }
}

/** The storage of a location: a folder, or another target's. */
export function openStorage(location: string, options: OpenOptions = {}): Storage {
  return /^[a-z][a-z0-9+]{1,15}:/.test(location) && !location.startsWith('local:')
    ? new RemoteStorage(location, options)
    : new LocalStorage(location.replace(/^local:/, ''));
}
