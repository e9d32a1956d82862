// Random choices that a seed repeats.

/** A number from 0 up to, not including, `below`. */
export type Random = (below: number) => number;

/** A small seeded generator (mulberry32): the same choices for the same seed. */
export function seeded(seed: number): Random {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/**
 * The seed of this run: of STRONGROOM_SEED where a run is to be repeated, else a fresh one; printed,
 * so that it can be.
 */
export function seedOf(print: (text: string) => void): number {
  const given = process.env['STRONGROOM_SEED'];
  const seed = given === undefined ? Math.trunc(Math.random() * 0x7fff_ffff) : Number(given);
  print(`STRONGROOM_SEED=${seed} repeats this run`);
  return seed;
}
