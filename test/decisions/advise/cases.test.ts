// The worked cases: the verdict, order and named residuals of each question are fixed here.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecisionsError, readCatalogue, shippedCatalogue } from '../../../src/decisions/index.ts';
import { ask, askCase, draft, harm, option, residuals, verdicts } from './asking.ts';
import type { Draft } from './asking.ts';

const rules = (reasons: readonly { rule: string }[]): string[] => reasons.map((each) => each.rule);

test('1: a phone from Great Britain, standard, with data protection, and by Strongroom', () => {
  const answer = askCase('01-phone-backup');
  assert.deepEqual(verdicts(answer), [
    'strongroom-backup note',
    'icloud-adp accept',
    'icloud-standard do-not',
  ]);
  const standard = option(answer, 'icloud-standard');
  const legal = standard.pairs.find((pair) => pair.adversary === 'legal(US)');
  assert.equal(legal?.harm, 3, 'the harm is one higher for somebody who is no citizen');
  assert.equal(legal.exposure, 3);
  assert.ok(rules(legal.reasons).includes('foreign-reach'));
  assert.ok(residuals(standard, 'do-not').includes('store'));
  const adp = option(answer, 'icloud-adp');
  assert.deepEqual(residuals(adp, 'accept'), ['app']);
  const app = adp.residuals.find((each) => each.id === 'app');
  assert.ok(app?.against.some((each) => each.reason.rule === 'app-closed-law-here'));
  assert.deepEqual(residuals(option(answer, 'strongroom-backup')), ['app', 'phone']);
});

test('1: data protection is unavailable to a new user in Great Britain, and elsewhere it is not', () => {
  const isNew = (question: Draft): void => {
    question.options[1] = { service: 'icloud-adp' };
  };
  const answer = askCase('01-phone-backup', isNew);
  assert.equal(option(answer, 'icloud-adp').verdict, 'unavailable');
  assert.deepEqual(answer.expired, ['icloud-adp:offered:GB']);
  assert.deepEqual(answer.unknowns, [
    { option: 'icloud-adp', fact: 'icloud-adp:offered:GB', value: 'yes', verdict: 'accept' },
  ]);
  assert.equal(answer.options.at(-1)?.id, 'icloud-adp', 'what cannot be had comes last');
  // While the fact was believed it said the same, and it was no unknown.
  const then = ask(draft('01-phone-backup', isNew), '2026-02-21');
  assert.equal(option(then, 'icloud-adp').verdict, 'unavailable');
  assert.deepEqual(then.unknowns, []);
  const german = askCase('01-phone-backup', (question) => {
    isNew(question);
    question.parties = [{ id: 'me', citizenships: ['DE'], residence: 'DE' }];
  });
  assert.equal(option(german, 'icloud-adp').verdict, 'accept');
});

test('2: the screen, either question', () => {
  const verdict = (citizenship: string, level: number): string => {
    const answer = askCase('02-screen', (question) => {
      question.parties = [{ id: 'me', citizenships: [citizenship], residence: 'GB' }];
      harm(question, level);
    });
    return option(answer, 'icloud-standard').verdict;
  };
  assert.equal(verdict('US', 2), 'do-not');
  assert.equal(verdict('GB', 1), 'do-not', 'ordinary data, raised to H2');
  assert.equal(verdict('US', 1), 'note');
  const file = askCase('02-screen', (question) => {
    question.subject = 'selection';
    harm(question, 0);
  });
  assert.equal(option(file, 'icloud-standard').verdict, 'fine');
  assert.throws(
    () => verdict('GB', 0),
    (error) => error instanceof DecisionsError && /whole device to harm 0/.test(error.message),
  );
});

test('3: a birthday party may go by anything, the easiest first, without a record', () => {
  const answer = askCase('03-birthday');
  assert.ok(answer.options.every((each) => each.verdict === 'fine'));
  const efforts = answer.options.map((each) => each.effort);
  assert.deepEqual(
    efforts,
    efforts.toSorted((one, other) => one - other),
  );
  assert.equal(answer.options[0]?.id, 'sms');
  assert.equal(answer.needsRecord, false);
  assert.ok(rules(answer.advice).includes('advice-no-record'));
  assert.deepEqual(answer.unknowns, [], 'nothing that is not known matters here');
});

test('4: the money details of a deal', () => {
  const answer = askCase('04-deal');
  const verdict = (id: string): string => option(answer, id).verdict;
  for (const id of ['whatsapp', 'whatsapp-backed-up', 'google-chat', 'telegram', 'sms']) {
    assert.equal(verdict(id), 'do-not', id);
  }
  const rule = (id: string, component: string): string | undefined =>
    option(answer, id)
      .residuals.find((each) => each.id === component)
      ?.against.find((each) => each.verdict === 'do-not')?.reason.rule;
  assert.equal(rule('whatsapp', 'app-a'), 'app-closed-law-here', 'closed, even with no backup');
  assert.equal(rule('whatsapp-backed-up', 'copy-b'), 'operator-legal-here');
  for (const id of ['signal', 'strongroom-messages']) {
    assert.equal(verdict(id), 'accept');
    assert.deepEqual(residuals(option(answer, id)), ['app-a', 'app-b', 'phone-a', 'phone-b']);
  }
  assert.equal(verdict('home-made'), 'refuse');
  assert.deepEqual(rules(option(answer, 'home-made').reasons), ['f1']);
  assert.deepEqual(
    answer.options.slice(0, 2).map((each) => each.id),
    ['signal', 'strongroom-messages'],
  );
  assert.equal(answer.options.at(-1)?.id, 'home-made');
});

test('12, the adviser’s half: an app that is out of date alone turns Signal into do-not', () => {
  const answer = askCase('04-deal', (question) => {
    question.options = [{ service: 'signal', apps: { b: 'no' } }];
  });
  const signal = option(answer, 'signal');
  assert.equal(signal.verdict, 'do-not');
  const criminal = signal.pairs.find((pair) => pair.adversary === 'criminal');
  assert.equal(criminal?.exposure, 2);
  assert.equal(criminal.component, 'app-b');
  const floor = askCase('04-deal', (question) => {
    question.options = [{ service: 'strongroom-messages', belowFloor: true }];
  });
  assert.deepEqual(rules(option(floor, 'strongroom-messages').reasons), ['f6']);
});

test('5: a trip, and then a case where life or liberty is at stake', () => {
  const trip = askCase('05-trip');
  assert.deepEqual(verdicts(trip), ['signal note', 'whatsapp do-not', 'sms do-not']);
  assert.ok(residuals(option(trip, 'whatsapp'), 'do-not').includes('copy-b'));
  const grave = askCase('05-trip', (question) => {
    question.protect[0] = { info: 'content', from: ['state(GB)'], harm: 4 };
  });
  assert.ok(grave.options.every((each) => each.verdict === 'do-not'));
  const phone = option(grave, 'signal').residuals.find((each) => each.id === 'phone-a');
  assert.equal(phone?.against[0]?.exposure, 2);
  assert.ok(rules(grave.advice).includes('advice-meet'));
});

test('6: a user name and a password by one service, and by two on the same phones', () => {
  const answer = askCase('06-password');
  assert.equal(option(answer, 'whatsapp').verdict, 'do-not');
  const split = option(answer, 'two-apps');
  assert.equal(split.verdict, 'do-not');
  const physical = split.pairs.find(
    (pair) => pair.adversary === 'physical' && pair.part === undefined,
  );
  assert.equal(physical?.exposure, 2);
  assert.deepEqual(split.shared, ['phone-a', 'phone-b']);
  const remark = split.advice.find((each) => each.rule === 'advice-shared');
  assert.equal(remark?.blanks['components'], 'phone-a, phone-b');
  const off = split.advice
    .filter((each) => each.rule === 'advice-off-the-list')
    .map((each) => each.blanks['adversary']);
  assert.deepEqual(off, ['provider']);
});

test('7: the password by call: same phones, one other phone, other phones at both ends', () => {
  const answer = askCase('07-password-by-call');
  assert.deepEqual(
    answer.options.map((each) => [each.id, each.verdict, each.deficit, each.shared.length]),
    [
      ['call-other-phones', 'note', 0, 0],
      ['call-one-other-phone', 'accept', 20, 1],
      ['call-same-phones', 'accept', 20, 2],
    ],
  );
  const best = option(answer, 'call-other-phones');
  assert.deepEqual(residuals(best), ['password/server']);
  const [carrier] = best.residuals;
  assert.equal(carrier?.adversary, 'provider');
  assert.equal(carrier.harm, 1, 'a password alone');
});

test('8: processors by maker and generation, and no processor at all', () => {
  const answer = askCase('08-workload');
  for (const id of ['q-s', 'q-t', 'q-u', 'p', 'm', 'n']) {
    assert.equal(option(answer, id).verdict, 'accept', id);
    assert.deepEqual(residuals(option(answer, id)), ['cpu', 'runtime']);
  }
  assert.equal(option(answer, 'q-r').verdict, 'refuse');
  assert.deepEqual(rules(option(answer, 'q-r').reasons), ['f4']);
  assert.equal(option(answer, 'q-r').reasons[0]?.blanks['decision'], 'dec-8');
  assert.equal(option(answer, 'no-tee').verdict, 'do-not');
  assert.equal(option(answer, 'closed-runtime').verdict, 'do-not');
  assert.deepEqual(residuals(option(answer, 'closed-runtime'), 'do-not'), ['runtime']);
});

test('8: a generation nobody knows may be the refused one, and a hole nobody knows of may be there', () => {
  const answer = askCase('08-workload', (question) => {
    question.options = [
      {
        id: 'some-q',
        facts: { tee: true, 'cpu-vendor': 'Q', 'known-hole': 'no', 'runtime-open': 'yes' },
      },
      { id: 'p', facts: { tee: true, 'cpu-vendor': 'P', 'runtime-open': 'yes' } },
    ];
  });
  assert.equal(option(answer, 'some-q').verdict, 'refuse');
  assert.equal(option(answer, 'p').verdict, 'do-not');
  assert.deepEqual(answer.unknowns, [
    { option: 'p', fact: 'p:known-hole', value: 'no', verdict: 'accept' },
    { option: 'some-q', fact: 'some-q:cpu-generation', value: 'another', verdict: 'accept' },
  ]);
});

test('9: keys for a few e-mails need no hardware', () => {
  const answer = askCase('09-spouse');
  assert.deepEqual(verdicts(answer), ['strongroom-keys note', 'hsm fine']);
  const [software, hsm] = answer.options;
  assert.ok(rules(hsm?.advice ?? []).includes('advice-not-needed'));
  assert.ok((hsm?.cost ?? 0) > (software?.cost ?? 0), 'dearer');
});

test('10: the root of all card keys belongs into hardware, by two people, at every stage', () => {
  const answer = askCase('10-bank');
  const hsm = answer.options[0];
  assert.equal(hsm?.id, 'hsm');
  assert.equal(hsm.verdict, 'accept-by-two');
  assert.deepEqual(residuals(hsm), ['create', 'store', 'transfer', 'use']);
  assert.ok(rules(hsm.requirements).includes('advice-key-plan'));
  for (const id of ['strongroom-keys', 'software-keystore', 'tee-keystore']) {
    assert.equal(option(answer, id).verdict, 'do-not', id);
  }
});

test('10: the keys of Strongroom cannot pass as hardware, neither by a question nor by a catalogue', () => {
  assert.throws(
    () =>
      askCase('10-bank', (question) => {
        question.options[0] = { service: 'strongroom-keys', facts: { place: 'hsm' } };
      }),
    (error) => error instanceof DecisionsError && error.mend === 'this fact cannot be changed',
  );
  const own =
    'format: 1\nfacts:\n  - { service: strongroom-keys, fact: place, setting: software, value: hsm, source: me, asOf: 2026-11-01 }\n';
  assert.throws(
    () => readCatalogue(own, 'catalogue.yaml', shippedCatalogue()),
    /catalogue\.yaml line 3: `facts\[0\]\.fact` of `strongroom-keys` cannot be replaced/,
  );
});

test('11: look-ups, where you go, and use that draws suspicion', () => {
  const names = askCase('11-look-ups');
  assert.deepEqual(verdicts(names), ['doh-quad9 fine', 'do53 do-not']);
  const going = askCase('11-look-ups', (question) => {
    question.protect = [
      { info: ['content', 'contacts'], from: 'network', harm: 2 },
      { info: ['content', 'contacts'], from: 'others', ignored: 'not in this case' },
      { info: 'use', from: 'all', ignored: 'not in this case' },
    ];
  });
  assert.ok(going.options.every((each) => each.verdict === 'do-not'));
  const doh = option(going, 'doh-quad9');
  assert.deepEqual(
    doh.pairs
      .filter((pair) => pair.verdict === 'do-not')
      .map((pair) => [pair.info, pair.component]),
    [['contacts', 'later-connection']],
  );
  assert.ok(rules(going.advice).includes('advice-tor'));
  const suspect = askCase('11-look-ups', (question) => {
    question.protect = [
      { info: 'use', from: 'network', harm: 3 },
      { info: 'use', from: 'others', ignored: 'not in this case' },
      { info: ['content', 'contacts'], from: 'all', ignored: 'not in this case' },
    ];
  });
  assert.equal(option(suspect, 'doh-quad9').verdict, 'do-not');
  assert.equal(option(suspect, 'do53').verdict, 'fine');
  assert.ok(rules(suspect.advice).includes('advice-not-silently'));
});
