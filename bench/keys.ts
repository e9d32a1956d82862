// signatures through PKCS#11 and ssh-agent, beside SoftHSM2 and OpenSSH's agent
//
// One C program (bench/keys/client.c) drives every side: Strongroom through the stock
// p11-kit-client.so, SoftHSM2 through its own module, both agents through their sockets. The sides
// take turns within each round, and every second round begins with the other one; a row gives the
// median over the rounds. STRONGROOM_BENCH_ROUNDS and STRONGROOM_BENCH_MS set how many rounds there
// are and how long each measurement is.
import { StrongroomError } from '../src/errors.ts';
import { CLIENT_MODULE, PIN, startToken } from '../test/support/pkcs11.ts';
import { buildClient } from './keys/client.ts';
import type { Load, Measured, Target } from './keys/client.ts';
import { startSoftHsm, startSshAgent } from './keys/peers.ts';
import { checkPrograms } from './keys/programs.ts';
import type { BenchRow } from './row.ts';

const ROUNDS = setting('STRONGROOM_BENCH_ROUNDS', 5);
const RUN_MS = setting('STRONGROOM_BENCH_MS', 1000);
const WARM_MS = 300;

const LOADS = [
  { label: '1 thread', threads: 1, processes: 1 },
  { label: '4 threads', threads: 4, processes: 1 },
  { label: '4 processes', threads: 1, processes: 4 },
] as const;

/** The same thing done on two sides. */
interface Case {
  readonly name: string;
  readonly mechanism: Load['mechanism'];
  readonly ours: Target;
  readonly peer: Target;
  readonly peerName: string;
}

interface Round {
  readonly ours: Measured;
  readonly peer: Measured;
}

function setting(name: string, usual: number): number {
  const value = Number(process.env[name] ?? usual);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new StrongroomError('BENCH_SETTING', `${name} is not a whole number over 0`);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const [lower, upper] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]];
  return ((lower ?? Number.NaN) + (upper ?? Number.NaN)) / 2;
}

const FIGURES = [
  { what: 'rate', suffix: '', unit: 'signatures/s', more: true },
  { what: 'p50', suffix: ', median', unit: 'µs', more: false },
  { what: 'p99', suffix: ', 99th percentile', unit: 'µs', more: false },
] as const;

function rowsOf(each: Case, label: string, rounds: readonly Round[]): BenchRow[] {
  return FIGURES.map(({ what, suffix, unit, more }) => {
    const ratios = rounds.map(({ ours, peer }) =>
      more ? ours[what] / peer[what] : peer[what] / ours[what],
    );
    const worst = Math.min(...ratios).toFixed(2);
    const best = Math.max(...ratios).toFixed(2);
    return {
      name: `${each.name}, ${label}${suffix}`,
      unit,
      ours: median(rounds.map(({ ours }) => ours[what])),
      peer: { name: each.peerName, value: median(rounds.map(({ peer }) => peer[what])) },
      more,
      remark: `${worst} to ${best} in ${rounds.length} rounds`,
    };
  });
}

export async function bench(): Promise<readonly BenchRow[]> {
  checkPrograms(CLIENT_MODULE);
  using client = buildClient();
  using softHsm = startSoftHsm(PIN);
  await using agent = await startSshAgent();
  await using token = await startToken();
  const { environment, running } = token;
  const ours = {
    kind: 'module',
    module: CLIENT_MODULE,
    label: 'Strongroom',
    pin: PIN,
    environment,
  } as const;
  client.makeKeys(ours);
  client.makeKeys(softHsm.target);
  const made = running.cli(['key', 'create', 'bench', '--type', 'ed25519']);
  if (made.status !== 0) throw new StrongroomError('BENCH_FAILED', made.err);

  const byModule = { ours, peer: softHsm.target, peerName: softHsm.name };
  const cases: readonly Case[] = [
    { name: 'ECDSA P-256', mechanism: 'ecdsa', ...byModule },
    { name: 'RSA-2048 with SHA-256', mechanism: 'rsa', ...byModule },
    { name: 'RSA-2048 of a digest', mechanism: 'rsa-raw', ...byModule },
    {
      name: 'Ed25519 by the agent',
      mechanism: 'ed25519',
      ours: { kind: 'agent', socket: `${running.home}/ssh-agent.sock` },
      peer: agent.target,
      peerName: agent.name,
    },
  ];
  const rounds = new Map<string, Round[]>();
  for (let round = 1; round <= ROUNDS; round++) {
    for (const each of cases) {
      for (const { label, threads, processes } of LOADS) {
        progress(`round ${round} of ${ROUNDS}: ${each.name}, ${label}`);
        const load = {
          mechanism: each.mechanism,
          threads,
          processes,
          warmMs: WARM_MS,
          runMs: RUN_MS,
        };
        const side = (target: Target): Measured => client.measure(target, load);
        let result: Round;
        if (round % 2 === 1) result = { ours: side(each.ours), peer: side(each.peer) };
        else {
          const peer = side(each.peer);
          result = { ours: side(each.ours), peer };
        }
        const name = `${each.name}, ${label}`;
        rounds.set(name, [...(rounds.get(name) ?? []), result]);
      }
    }
  }
  progress('');
  return cases.flatMap((each) =>
    LOADS.flatMap(({ label }) => rowsOf(each, label, rounds.get(`${each.name}, ${label}`) ?? [])),
  );
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}
