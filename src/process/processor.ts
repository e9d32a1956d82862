import { dlopen, getRawPointer } from 'node:ffi';

/**
 * Which processor this thread runs on, and who else does. The library handle and the memory live as
 * long as the process.
 */
const library = dlopen('libc.so.6', {
  getrusage: { arguments: ['i32', 'pointer'], return: 'i32' },
  sched_getcpu: { arguments: [], return: 'i32' },
  sched_getaffinity: { arguments: ['i32', 'u64', 'pointer'], return: 'i32' },
  sched_setaffinity: { arguments: ['i32', 'u64', 'pointer'], return: 'i32' },
  sched_yield: { arguments: [], return: 'i32' },
});

// Off the JavaScript heap: an ArrayBuffer of this size never moves.
const memory = new ArrayBuffer(4096);
const view = new DataView(memory);
const address = getRawPointer(memory);

const RUSAGE_THREAD = 1;
/** Where struct rusage has ru_nivcsw on every 64-bit Linux: the last of its sixteen longs. */
const INVOLUNTARY_AT = 136;

/** Bytes of a cpu_set_t: 1,024 processors. */
const SET = 128;
const ALLOWED_AT = 1024;
const OTHERS_AT = 2048;

/** How often another thread ran here although this one was ready to (getrusage(2)). */
export function timesDisplaced(): number {
  if (library.functions.getrusage(RUSAGE_THREAD, address) !== 0) return 0;
  return view.getUint32(INVOLUNTARY_AT, true);
}

/** Lets whoever else is ready here run first (sched_yield(2)). */
export function yieldProcessor(): void {
  library.functions.sched_yield();
}

/**
 * Moves this thread to another one of the processors that it may use, which stay the same; nothing
 * happens where it may use only one.
 */
export function moveAside(): void {
  const { functions } = library;
  const [allowed, others] = [address + BigInt(ALLOWED_AT), address + BigInt(OTHERS_AT)];
  const here = functions.sched_getcpu();
  if (here < 0 || here >= SET * 8) return;
  if (functions.sched_getaffinity(0, BigInt(SET), allowed) < 0) return;
  new Uint8Array(memory, OTHERS_AT, SET).set(new Uint8Array(memory, ALLOWED_AT, SET));
  view.setUint8(
    OTHERS_AT + (here >> 3),
    view.getUint8(OTHERS_AT + (here >> 3)) & ~(1 << (here & 7)),
  );
  // The kernel refuses an empty set, and moves the thread before it answers.
  if (functions.sched_setaffinity(0, BigInt(SET), others) === 0) {
    functions.sched_setaffinity(0, BigInt(SET), allowed);
  }
}
