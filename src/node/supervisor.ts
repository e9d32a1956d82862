import type { ChildProcess } from 'node:child_process';
import { StrongroomError, reasonOf } from '../errors.ts';
import { connectKeys } from '../keys/index.ts';
import { KEY_PROCESS, launchKeyProcess } from './launch.ts';
import type { KeyProcessSettings } from './launch.ts';
import { prepareHome } from './layout.ts';
import type { Layout } from './layout.ts';
import { isToSupervisor } from './messages.ts';
import { programOf } from './program.ts';
import type { FromSupervisor, ToSupervisor } from './messages.ts';

/** What happens to the key process, for whoever started it. */
export interface SupervisorEvents {
  readonly onReady: (state: string) => void;
  readonly onWarning: (text: string) => void;
  readonly onRestart: (reason: string, inMilliseconds: number) => void;
  /** A key marked `confirm` is about to be used. */
  readonly onConfirm: (id: number, question: string) => void;
  readonly onConfirmOver: (id: number) => void;
}

const FIRST_DELAY = 100;
const LONGEST_DELAY = 10_000;
/** A process that lived this long is taken to have been well. */
const WELL_AFTER = 30_000;
const STOP_PATIENCE = 5000;

/** The question with the name of the program that asks, which the key process cannot look up. */
function named(message: { readonly pid: number; readonly question: string }): string {
  return message.question.replace(`process ${message.pid}`, programOf(message.pid));
}

/** Starts the key process, starts it again when it dies, and stops it. */
export class Supervisor {
  readonly #layout: Layout;
  readonly #events: SupervisorEvents;
  readonly #settings: KeyProcessSettings;
  #child: ChildProcess | undefined;
  #stopping = false;
  #delay = FIRST_DELAY;
  #timer: NodeJS.Timeout | undefined;
  #restarts = 0;

  constructor(layout: Layout, events: SupervisorEvents, settings: KeyProcessSettings = {}) {
    this.#layout = layout;
    this.#events = events;
    this.#settings = settings;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /**
   * Starts the key process and waits until it answers.
   * @throws {StrongroomError} when one runs already, or it cannot be started
   */
  async start(): Promise<void> {
    const running = await connectKeys(this.#layout.home).catch(() => undefined);
    if (running !== undefined) {
      running.close();
      throw new StrongroomError('ALREADY_RUNNING', 'a strongroom is running in this home already', {
        mend: 'strongroom status shows it; stop it where it was started',
      });
    }
    await new Promise<void>((resolve, reject) => {
      this.#launch(resolve, reject);
    });
  }

  #launch(onFirstReady?: () => void, onFirstFailure?: (error: Error) => void): void {
    const started = Date.now();
    let failure: string | undefined;
    let wasReady = false;
    prepareHome(this.#layout);
    const child = launchKeyProcess(this.#layout, KEY_PROCESS, this.#settings);
    this.#child = child;
    let complaint = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-2000);
    });
    child.on('message', (message: unknown) => {
      if (!isToSupervisor(message)) return;
      if (message.type === 'fatal') failure = message.text;
      this.#hear(message);
      if (message.type !== 'ready') return;
      wasReady = true;
      onFirstReady?.();
    });
    child.on('error', (error) => {
      failure = error.message;
    });
    child.on('exit', (code, signal) => {
      this.#child = undefined;
      const reason = failure ?? (complaint.trim() || `it ended with ${signal ?? `code ${code}`}`);
      if (this.#stopping) return;
      if (!wasReady && onFirstFailure !== undefined) {
        onFirstFailure(
          new StrongroomError('KEY_PROCESS_FAILED', `the key process did not start: ${reason}`),
        );
        return;
      }
      if (Date.now() - started > WELL_AFTER) this.#delay = FIRST_DELAY;
      this.#startAgain(reason);
    });
  }

  #startAgain(reason: string): void {
    this.#events.onRestart(reason, this.#delay);
    this.#timer = setTimeout(() => {
      this.#restarts++;
      try {
        this.#launch();
      } catch (error) {
        this.#startAgain(reasonOf(error));
      }
    }, this.#delay);
    this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY);
  }

  #hear(message: ToSupervisor): void {
    switch (message.type) {
      case 'ready':
        this.#events.onReady(message.state);
        break;
      case 'warning':
        this.#events.onWarning(message.text);
        break;
      case 'confirm':
        this.#events.onConfirm(message.id, named(message));
        break;
      case 'confirm-over':
        this.#events.onConfirmOver(message.id);
        break;
      case 'fatal':
        break;
    }
  }

  /** Passes on what the person said. */
  answer(id: number, allowed: boolean): void {
    const message: FromSupervisor = { type: 'confirm-answer', id, allowed };
    this.#child?.send(message);
  }

  /** Stops the key process: it closes its store, and is killed if it does not in five seconds. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child === undefined) return;
    await new Promise<void>((resolve) => {
      const kill = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE);
      child.once('exit', () => {
        clearTimeout(kill);
        resolve();
      });
      child.kill('SIGTERM');
    });
  }
}
