import { setTimeout as sleep } from 'node:timers/promises';
import { TargetError } from '../errors.ts';
import { sweeps } from './target.ts';
import type { ObjectBody, ObjectInfo, ObjectKind, ObjectRef, Sweeping, Target } from './target.ts';

/** How often and how long a failed call is tried again. */
export interface RetryOptions {
  /** Calls in all, the first included. */
  readonly attempts?: number;
  /** ms before the second call; doubles from call to call, with a random part of a half. */
  readonly firstDelay?: number;
  readonly maxDelay?: number;
  /** Told of each failure that will be tried again. */
  readonly onRetry?: (error: TargetError, attempt: number) => void;
  readonly random?: () => number;
}

/**
 * A target whose retriable failures are tried again with growing pauses. A put that finds its name
 * taken after an attempt that failed was written by that attempt when the size is right: only its
 * answer was lost.
 */
export function withRetries(target: Target, options: RetryOptions = {}): Target {
  const attempts = options.attempts ?? 8;
  const firstDelay = options.firstDelay ?? 250;
  const maxDelay = options.maxDelay ?? 30_000;
  const random = options.random ?? Math.random;
  let closed = false;

  async function again<Result>(call: (attempt: number) => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await call(attempt);
      } catch (error) {
        if (!(error instanceof TargetError) || !error.retriable || attempt >= attempts || closed) {
          throw error;
        }
        options.onRetry?.(error, attempt);
        const delay = Math.min(firstDelay * 2 ** (attempt - 1), maxDelay);
        await sleep(delay * (0.5 + random() / 2));
      }
    }
  }

  const wrapped: Target = {
    location: target.location,
    service: target.service,
    connections: target.connections,
    prepare: () => again(() => target.prepare()),
    list: (kind: Exclude<ObjectKind, 'config'>): Promise<readonly ObjectInfo[]> =>
      again(() => target.list(kind)),
    stat: (ref: ObjectRef) => again(() => target.stat(ref)),
    load: (ref: ObjectRef, limit: number) => again(() => target.load(ref, limit)),
    read: (ref: ObjectRef, offset: number, length: number) =>
      again(() => target.read(ref, offset, length)),
    put: (ref: ObjectRef, body: ObjectBody) =>
      again(async (attempt) => {
        try {
          await target.put(ref, body);
        } catch (error) {
          const taken = error instanceof TargetError && error.fault === 'exists';
          if (!taken || attempt === 1) throw error;
          const length = body.reduce((sum, part) => sum + part.length, 0);
          if ((await target.stat(ref)) !== length) throw error;
        }
      }),
    remove: (ref: ObjectRef) => again(() => target.remove(ref)),
    close: () => {
      closed = true;
      return target.close();
    },
  };
  if (!sweeps(target)) return wrapped;
  const sweeping: Target & Sweeping = { ...wrapped, sweep: (before) => target.sweep(before) };
  return sweeping;
}
