/**
 * The memory that OpenSSL keeps private values in, locked against swapping where the user's limit
 * (RLIMIT_MEMLOCK) allows it. A power of two: half for keys, half for one argon2id at a time, which
 * OpenSSL places here too.
 */
export const SECURE_HEAP_BYTES: number = 64 << 20;

/**
 * The flags of the key process: Node's permission model with its own sources, its data folder and,
 * until it listens, sockets and native calls; no children, workers, addons or inspector at any time.
 * @param readable folders it may read
 * @param writable folders it may write
 * @param secureHeap bytes, a power of two
 */
export function keyProcessFlags(
  readable: readonly string[],
  writable: readonly string[],
  secureHeap: number = SECURE_HEAP_BYTES,
): string[] {
  return [
    '--permission',
    ...readable.map((folder) => `--allow-fs-read=${folder}`),
    ...writable.map((folder) => `--allow-fs-write=${folder}`),
    '--allow-net',
    '--allow-ffi',
    '--disallow-code-generation-from-strings',
    '--disable-proto=throw',
    `--secure-heap=${secureHeap}`,
    '--secure-heap-min=32',
    // Values of keys that were locked away or destroyed are wiped when they are collected.
    '--expose-gc',
    '--no-warnings',
  ];
}
