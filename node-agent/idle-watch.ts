/** Tells when an agent has had no work for long, so that a machine that is paid by the hour can be given back. */

/** How exact the time is, at most; a tenth of it where that is less. */
const LOOK_EVERY_MS_MAX = 5_000;

export interface IdleWatchOptions {
  /** 0: never. */
  readonly afterMs: number;
  /** Nothing is in hand: no tile in any state, no inspection, no download, no search for programs. */
  isIdle(): boolean;
  /** Grows with each piece of work, so that one between two looks is not overlooked. */
  workDone(): number;
  readonly now?: () => number;
}

/** @returns `idle` resolves once, at the end of `afterMs` without work. */
export function watchIdle(options: IdleWatchOptions): { readonly idle: Promise<void>; stop(): void } {
  const { afterMs, isIdle, workDone, now = () => performance.now() } = options;
  if (afterMs === 0) return { idle: new Promise(() => undefined), stop: () => undefined };
  let sinceMs = now();
  let done = workDone();
  let timer: NodeJS.Timeout | undefined;
  const stop = () => clearInterval(timer);
  const idle = new Promise<void>((resolve) => {
    const look = () => {
      const hasWorked = workDone() !== done;
      done = workDone();
      if (hasWorked || !isIdle()) sinceMs = now();
      else if (now() - sinceMs >= afterMs) {
        stop();
        resolve();
      }
    };
    timer = setInterval(look, Math.max(10, Math.min(LOOK_EVERY_MS_MAX, afterMs / 10)));
    timer.unref();
  });
  return { idle, stop };
}
