import { readFileSync } from 'node:fs';

/**
 * A process in words: its name and number. The name is what the process says of itself, which is of
 * help and no proof.
 */
export function programOf(pid: number): string {
  try {
    const name = readFileSync(`/proc/${pid}/comm`, 'utf8').replaceAll(/\p{Cc}/gu, '');
    return `${name}, process ${pid}`;
  } catch {
    return `process ${pid}`;
  }
}
