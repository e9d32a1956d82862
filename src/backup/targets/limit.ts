import { setTimeout as sleep } from 'node:timers/promises';
import { bodyLength, sweeps } from './target.ts';
import type { ObjectBody, ObjectRef, Sweeping, Target } from './target.ts';

/** Bytes a second, each way; absent means no limit. */
export interface Bandwidth {
  readonly up?: number;
  readonly down?: number;
}

/**
 * Spreads a flow of bytes over time: each taker waits until what was taken before it has had its
 * time at the given rate.
 */
class Meter {
  readonly #rate: number;
  #free = 0;

  constructor(rate: number) {
    this.#rate = rate;
  }

  async take(bytes: number): Promise<void> {
    const now = performance.now();
    const start = Math.max(now, this.#free);
    this.#free = start + (bytes / this.#rate) * 1000;
    // The taker's own bytes count before they flow, so that the average is never above the rate.
    if (this.#free > now) await sleep(this.#free - now);
  }
}

/** A target that sends and fetches object bytes at no more than the given rates. */
export function withBandwidth(target: Target, bandwidth: Bandwidth): Target {
  const up = bandwidth.up === undefined ? undefined : new Meter(bandwidth.up);
  const down = bandwidth.down === undefined ? undefined : new Meter(bandwidth.down);
  if (up === undefined && down === undefined) return target;
  const wrapped: Target = {
    location: target.location,
    service: target.service,
    connections: target.connections,
    prepare: () => target.prepare(),
    list: (kind) => target.list(kind),
    stat: (ref: ObjectRef) => target.stat(ref),
    async load(ref: ObjectRef, limit: number) {
      const bytes = await target.load(ref, limit);
      await down?.take(bytes.length);
      return bytes;
    },
    async read(ref: ObjectRef, offset: number, length: number) {
      // Only after: the length may come from a damaged index and be of no object at all.
      const bytes = await target.read(ref, offset, length);
      await down?.take(bytes.length);
      return bytes;
    },
    async put(ref: ObjectRef, body: ObjectBody) {
      await up?.take(bodyLength(body));
      await target.put(ref, body);
    },
    remove: (ref: ObjectRef) => target.remove(ref),
    close: () => target.close(),
  };
  if (!sweeps(target)) return wrapped;
  const sweeping: Target & Sweeping = { ...wrapped, sweep: (before) => target.sweep(before) };
  return sweeping;
}
