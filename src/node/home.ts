import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The one folder that holds everything: `STRONGROOM_HOME`, else `strongroom` in the XDG data folder.
 * @returns an absolute path; nothing is created
 */
export function homeFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const explicit = environment['STRONGROOM_HOME'];
  if (explicit !== undefined && explicit !== '') return explicit;
  const data = environment['XDG_DATA_HOME'];
  return join(
    data !== undefined && data !== '' ? data : join(homedir(), '.local/share'),
    'strongroom',
  );
}
