import { spawnSync } from 'node:child_process';

/** `false`, or the reason why these programs cannot be tried here; never a reason in CI. */
export function skipWithoutPrograms(...programs: readonly string[]): string | false {
  if (process.env['CI'] === 'true') return false;
  const missing = programs.filter((name) => spawnSync('which', [name]).status !== 0);
  return missing.length > 0 && `not installed: ${missing.join(', ')}`;
}
