import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BackupError, TargetError } from '../../../src/backup/errors.ts';
import { S3Target } from '../../../src/backup/targets/s3.ts';
import { object, targetSuite } from '../../suite/target.ts';
import { S3_ACCESS_KEY, S3_SECRET_KEY, startS3Double } from '../../support/s3-double.ts';

const environment = { AWS_ACCESS_KEY_ID: S3_ACCESS_KEY, AWS_SECRET_ACCESS_KEY: S3_SECRET_KEY };

for (const conditional of [true, false]) {
  targetSuite(`S3${conditional ? '' : ' without conditional puts'}`, async () => {
    const double = await startS3Double();
    double.conditional = conditional;
    double.pageSize = 7;
    return {
      open: () => Promise.resolve(new S3Target(`${double.origin}/bucket/a b/c`, { environment })),
      [Symbol.asyncDispose]: () => double[Symbol.asyncDispose](),
    };
  });
}

test('a wrong secret is refused and said, and it is in no message', async () => {
  await using double = await startS3Double();
  const secret = 'another-secret-0123456789';
  const target = new S3Target(`${double.origin}/bucket`, {
    environment: { ...environment, AWS_SECRET_ACCESS_KEY: secret },
  });
  await assert.rejects(target.prepare(), (error: unknown) => {
    assert.ok(error instanceof TargetError);
    assert.equal(error.fault, 'denied');
    assert.ok(!error.message.includes(secret));
    return true;
  });
  assert.equal(double.refused, 1);
  await target.close();
});

test('two writers of one name: one writes, the other is told', async () => {
  await using double = await startS3Double();
  const [one, two] = [0, 1].map(() => new S3Target(`${double.origin}/bucket`, { environment })) as [
    S3Target,
    S3Target,
  ];
  await one.prepare();
  const { ref, body } = object('data', 5000);
  const results = await Promise.allSettled([one.put(ref, body), two.put(ref, body)]);
  const failed = results.filter((each) => each.status === 'rejected');
  assert.equal(failed.length, 1);
  const reason: unknown = failed[0]?.reason;
  assert.ok(reason instanceof TargetError);
  assert.equal(reason.fault, 'exists');
  await one.close();
  await two.close();
});

test('locations and credentials that cannot be are refused before anything is sent', () => {
  for (const bad of ['', 'https://host', 'https://a:b@host/bucket', 'http://example.org/bucket']) {
    assert.throws(() => new S3Target(bad, { environment }), BackupError, bad);
  }
  assert.throws(
    () =>
      new S3Target('https://host/bucket', {
        environment: { AWS_SHARED_CREDENTIALS_FILE: '/nonexistent' },
      }),
    /no S3 credentials/,
  );
});
