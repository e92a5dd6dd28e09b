/**
 * The life of a long-running part: start, say that it is ready, run until told to stop. SIGTERM and SIGINT stop it
 * gracefully, a second one at once; a failure that leaves it useless ends it too. Started by another guian
 * (GUIAN_EXIT_WITH_PARENT=1), it ends when that process does, which it learns from its stdin, a pipe that closes however
 * the parent ends.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { FarmError, messageOf } from '#shared/errors.js';
import { EXIT, exitCodeOf, oneLine, reportError } from './exit-code.js';

export interface Service {
  /** Merged into the ready line, e.g. `{ address }`. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** For people, e.g. `coordinator ready on 127.0.0.1:7700`. */
  readonly readyText: string;
  /** @param graceMs what work at hand may still take; default: as configured. */
  close(graceMs?: number): Promise<void>;
  /** Resolves when the service is of no use any more, e.g. shut out from the bus; the process then ends with an error. */
  readonly failed?: Promise<Error>;
  /** Resolves when the service has nothing more to do: it is then stopped as if told to. */
  readonly done?: Promise<void>;
}

/** What a part prints on stdout with --json, first thing: that it is ready, or why it is not. */
export type ServiceLine =
  | ({ readonly ready: true } & Readonly<Record<string, unknown>>)
  | { readonly ready: false; readonly code: string; readonly message: string };

const FAILED_CLOSE_MS = 2_000;

/** Resolves when the service has been stopped; it then ends the process, for threads may still hold it open. */
export async function runService(start: () => Promise<Service>, options: { json: boolean }): Promise<void> {
  endWithParent();
  process.on('uncaughtException', endOfBug);
  const stopAsked = stopSignal();
  let service: Service;
  try {
    // Told to stop before it has begun: there is nothing to hand back yet.
    const started = await Promise.race([start(), stopAsked.then(() => undefined)]);
    if (!started) process.exit(EXIT.done);
    service = started;
  } catch (error) {
    const code = error instanceof FarmError ? error.code : 'BUG';
    // The log first: whoever reads the line may end this process at once.
    reportError(error);
    if (options.json) printLine({ ready: false, code, message: messageOf(error) });
    process.exit(exitCodeOf(error));
  }
  if (options.json) printLine({ ready: true, ...service.ready });
  else process.stdout.write(`${service.readyText}\n`);
  const stopped = Promise.race([stopAsked, service.done ?? stopAsked]);
  const failure = await Promise.race([stopped, service.failed ?? stopped]);
  if (failure) await endFailed(service, failure);
  await service.close();
  process.exit(EXIT.done);
}

/** It tidies up as far as it can; what it cannot tell anyone any more must not keep it alive. */
async function endFailed(service: Service, failure: Error): Promise<never> {
  reportError(failure);
  const closed = service.close(0).catch((error: unknown) => reportError(error));
  await Promise.race([closed, delay(FAILED_CLOSE_MS)]);
  process.exit(exitCodeOf(failure));
}

/** The stack for whoever mends it; the cause once more behind it, where the end of a log is looked at. */
function endOfBug(error: unknown): never {
  reportError(error);
  process.stderr.write(`guian: ended by: ${oneLine(messageOf(error))}\n`);
  process.exit(EXIT.bug);
}

function printLine(line: ServiceLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Resolves at the first signal; the second one ends the process. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(EXIT.interrupted);
        asked = true;
        resolve();
      });
    }
  });
}

function endWithParent(): void {
  if (process.env['GUIAN_EXIT_WITH_PARENT'] !== '1') return;
  // Everything that must last is on disk already; there is nobody left to be graceful for.
  const end = (): void => process.exit(EXIT.interrupted);
  process.stdin.on('end', end).on('close', end).on('error', end).resume();
}
