import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { BackupError } from '../errors.ts';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/**
 * Credentials as every S3 tool finds them: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, else the
 * profile `AWS_PROFILE` (`default`) of the file that `AWS_SHARED_CREDENTIALS_FILE` names
 * (`~/.aws/credentials`).
 * @throws {BackupError} BACKUP_USAGE when there are none
 */
export function s3Credentials(
  environment: Readonly<Record<string, string | undefined>>,
): S3Credentials {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = environment;
  if (id !== undefined && id !== '' && secret !== undefined && secret !== '') {
    return credentials(id, secret, environment['AWS_SESSION_TOKEN']);
  }
  const path = environment['AWS_SHARED_CREDENTIALS_FILE'] ?? join(homedir(), '.aws', 'credentials');
  const profile = environment['AWS_PROFILE'] ?? 'default';
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // Said below: no file and no such profile are mended the same way.
  }
  const settings = profileOf(text, profile);
  const [found, key] = [settings.get('aws_access_key_id'), settings.get('aws_secret_access_key')];
  if (found !== undefined && key !== undefined) {
    return credentials(found, key, settings.get('aws_session_token'));
  }
  throw new BackupError('BACKUP_USAGE', `there are no S3 credentials of profile \`${profile}\``, {
    duty: 'usage',
    mend: 'put them into ~/.aws/credentials, or name another file in AWS_SHARED_CREDENTIALS_FILE',
  });
}

function credentials(id: string, secret: string, token: string | undefined): S3Credentials {
  return {
    accessKeyId: id,
    secretAccessKey: secret,
    ...(token === undefined || token === '' ? {} : { sessionToken: token }),
  };
}

function profileOf(text: string, profile: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  let inside = false;
  for (const line of text.split('\n')) {
    const section = /^\s*\[\s*(?:profile\s+)?([^\]]*?)\s*\]/.exec(line);
    if (section !== null) inside = section[1] === profile;
    const setting = /^\s*([a-z_]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (inside && setting !== null) settings.set(setting[1] ?? '', setting[2] ?? '');
  }
  return settings;
}
