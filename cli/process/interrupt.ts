/** Ctrl-C for commands that must tidy up: the first signal aborts, the second one ends the process at once. */
import { EXIT, InterruptedError } from './exit-code.js';

export interface Interrupt extends Disposable {
  /** Its reason is an InterruptedError. */
  readonly signal: AbortSignal;
  /** What the second signal does before the process ends. Must be quick and must not wait. */
  onSecond(action: () => void): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function interruptible(message: string): Interrupt {
  const abort = new AbortController();
  let second = (): void => undefined;
  const listener = (signal: NodeJS.Signals): void => {
    if (abort.signal.aborted) {
      second();
      process.exit(EXIT.interrupted);
    }
    process.stderr.write(`\nguian: ${message}\n`);
    abort.abort(new InterruptedError(signal));
  };
  for (const name of SIGNALS) process.on(name, listener);
  return {
    signal: abort.signal,
    onSecond(action) {
      second = action;
    },
    [Symbol.dispose]() {
      for (const name of SIGNALS) process.removeListener(name, listener);
    },
  };
}
