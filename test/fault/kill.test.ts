// kill -9 of the key process at random moments while a client makes and destroys keys.
import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { equalBytes } from '../../src/bytes/compare.ts';
import { utf8 } from '../../src/bytes/text.ts';
import type { KeyInfo, KeysClient } from '../../src/keys/index.ts';
import type { KeyProcessProgram } from '../../src/node/launch.ts';
import { buildSources } from '../support/built.ts';
import { keyProcessHome, provisionFor } from '../support/key-process.ts';
import { seedOf, seeded } from '../support/seeded.ts';
import type { Random } from '../support/seeded.ts';

const KILLS = 200;
/** Homes that are killed side by side, so that one starts while the other works. */
const LANES = 2;
/** Keys that a home holds at the most. */
const MOST_KEYS = 12;
/** A kill comes after so many answers at the most, and so many milliseconds more. */
const MOST_ANSWERS = 5;
const LONGEST_PAUSE = 12;
const MESSAGE = utf8('what was signed before the kill');

/** What holds a key to be the one that was made: judged outside where it has a public half. */
type Check = (client: KeysClient, key: KeyInfo) => Promise<void>;

/** What the client was told, and what it asked and was not answered. */
interface Ledger {
  readonly answered: Map<string, Check>;
  readonly unsure: Map<string, Check | undefined>;
  readonly destroyed: Set<string>;
  made: number;
  /** Called at every answer that the ledger takes note of. */
  onAnswer: () => void;
}

async function signatureCheck(key: KeyInfo): Promise<Check> {
  const publicKey = createPublicKey({
    key: Buffer.from(key.publicKeyInfo ?? new Uint8Array()),
    format: 'der',
    type: 'spki',
  });
  const judge = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
  const hash = key.type === 'ec-p256' ? 'sha256' : null;
  return async (client, now) => {
    const signature = await client.sign(now, MESSAGE);
    assert.ok(
      verify(hash, MESSAGE, judge, signature),
      `${now.name} signs as the key that was made`,
    );
    await client.verify(now, MESSAGE, signature);
  };
}

/** Makes a key of a random type and what proves later that it is this one. */
async function make(client: KeysClient, name: string, random: Random): Promise<Check> {
  const type = ['ed25519', 'ec-p256', 'ml-dsa-44', 'aes-256', 'hmac-sha256'][random(5)] as string;
  const key = await client.create(name, { type });
  if (type === 'aes-256') {
    const sealed = await client.encrypt(key, MESSAGE);
    return async (later, now) => {
      assert.ok(equalBytes(await later.decrypt(now, sealed), MESSAGE));
    };
  }
  if (type === 'hmac-sha256') {
    const mac = await client.sign(key, MESSAGE);
    return async (later, now) => later.verify(now, MESSAGE, mac);
  }
  return await signatureCheck(key);
}

/** Holds what is there against what was answered, and settles what was not. */
async function check(client: KeysClient, ledger: Ledger, when: string): Promise<void> {
  const found = new Map((await client.list()).map((key) => [key.name, key]));
  for (const [name, works] of ledger.answered) {
    const key = found.get(name);
    assert.ok(key !== undefined, `${when}: ${name} was answered and is gone`);
    await works(client, key);
  }
  for (const name of found.keys()) {
    assert.ok(!ledger.destroyed.has(name), `${when}: ${name} was destroyed and is back`);
    assert.ok(ledger.answered.has(name) || ledger.unsure.has(name), `${when}: ${name} is unknown`);
  }
  for (const [name, works] of ledger.unsure) {
    const key = found.get(name);
    if (key === undefined) continue;
    // A pair is made in one change, and its halves are destroyed one after the other.
    const halves = [key.privateKey, key.publicKey, key.secretKey].filter(
      (half) => half !== undefined,
    );
    if (works === undefined) {
      const whole = key.secretKey === undefined ? 2 : 1;
      assert.equal(halves.length, whole, `${when}: half of ${name} was made`);
    }
    await client.destroy(key);
    ledger.destroyed.add(name);
  }
  ledger.unsure.clear();
}

/** Makes and destroys keys until the connection breaks. */
async function churn(client: KeysClient, ledger: Ledger, random: Random): Promise<void> {
  for (;;) {
    const names = [...ledger.answered.keys()];
    const victim = names[random(Math.max(1, names.length))];
    if (victim !== undefined && (names.length >= MOST_KEYS || random(3) === 0)) {
      const works = ledger.answered.get(victim);
      ledger.answered.delete(victim);
      ledger.unsure.set(victim, works);
      await client.destroy(await client.key(victim));
      ledger.unsure.delete(victim);
      ledger.destroyed.add(victim);
      ledger.onAnswer();
    } else {
      const name = `key-${ledger.made++}`;
      ledger.unsure.set(name, undefined);
      const works = await make(client, name, random);
      ledger.unsure.delete(name);
      ledger.answered.set(name, works);
      ledger.onAnswer();
    }
  }
}

/** Waits until the ledger has taken note of so many answers. */
function answers(ledger: Ledger, count: number): Promise<void> {
  return new Promise((resolve) => {
    let left = count;
    ledger.onAnswer = () => {
      left--;
      if (left <= 0) resolve();
    };
    if (count === 0) resolve();
  });
}

/** One home, killed again and again; how many keys were made and destroyed. */
async function lane(
  program: KeyProcessProgram,
  kills: number,
  random: Random,
): Promise<{ made: number; destroyed: number; starting: number }> {
  await using home = keyProcessHome();
  const ledger: Ledger = {
    answered: new Map(),
    unsure: new Map(),
    destroyed: new Set(),
    made: 0,
    onAnswer: () => undefined,
  };
  let starting = 0;
  for (let round = 0; round <= kills; round++) {
    const began = performance.now();
    const running = await home.start(program);
    starting += performance.now() - began;
    const client = await running.connect();
    if (round === 0) await provisionFor(client);
    else assert.equal(running.state, 'operational', running.warnings.join('; '));
    await check(client, ledger, `after kill ${round}`);
    if (round < kills) {
      const enough = answers(ledger, random(MOST_ANSWERS + 1));
      const work = [churn(client, ledger, random), churn(client, ledger, random)];
      const broken = Promise.allSettled(work);
      await Promise.race([enough, broken]);
      await wait(random(LONGEST_PAUSE));
      await running.kill();
      for (const each of await broken) {
        if (each.status === 'rejected') {
          assert.equal(
            (each.reason as { code?: string }).code,
            'KEYS_NOT_RUNNING',
            `${each.reason}`,
          );
        }
      }
    }
    client.close();
    await running.kill();
  }
  return { made: ledger.made, destroyed: ledger.destroyed.size, starting: starting / (kills + 1) };
}

test(`${KILLS} kills lose no key whose creation was answered and bring none back`, async (t) => {
  const seed = seedOf((text) => t.diagnostic(text));
  using built = buildSources();
  const lanes = Array.from({ length: LANES }, (_, index) =>
    lane(built.keyProcess, KILLS / LANES, seeded(seed + index)),
  );
  for (const { made, destroyed, starting } of await Promise.all(lanes)) {
    t.diagnostic(`${made} keys made, ${destroyed} destroyed; ${Math.round(starting)} ms a start`);
    assert.ok(
      made > KILLS / LANES && destroyed > KILLS / LANES / 2,
      'there was work to be killed in',
    );
  }
});
