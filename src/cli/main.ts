import { reportError } from './output.ts';
import { run } from './run.ts';

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // The reader of a pipe went away: nothing is left to say.
    if (error.code === 'EPIPE') process.exit(0);
  });
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  process.exitCode = reportError(error, process.argv.includes('--json'));
}
