/**
 * Whether every node has had the time to speak since somebody listens. Before that nobody is alone, no renderer is missing,
 * and nobody can say how many slots there are.
 */
import { TIMES } from '#shared/limits.js';

/** Timers may be early by a millisecond or so. */
const TELL_AFTER_MS = 50;

export class NodesKnown {
  private readonly told: Promise<void>;
  private tell!: () => void;
  private readonly signal: AbortSignal;
  private atMs = Number.POSITIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;

  /** @param signal aborts when the coordinator stops, with the reason. */
  constructor(signal: AbortSignal) {
    this.signal = signal;
    this.told = new Promise((resolve) => {
      this.tell = resolve;
    });
  }

  /** Somebody listens from now on. */
  start(onKnown: () => void): void {
    this.atMs = performance.now() + TIMES.nodeLostAfterMs;
    this.timer = setTimeout(() => {
      this.tell();
      onKnown();
    }, TIMES.nodeLostAfterMs + TELL_AFTER_MS).unref();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  get areKnown(): boolean {
    return performance.now() >= this.atMs;
  }

  /** Resolves when they are. @throws the reason of `signal` when the coordinator stops before. */
  async known(): Promise<void> {
    this.signal.throwIfAborted();
    let stopped: () => void = () => undefined;
    const stopping = new Promise<never>((_, reject) => {
      stopped = () => reject(this.signal.reason);
      this.signal.addEventListener('abort', stopped, { once: true });
    });
    try {
      await Promise.race([this.told, stopping]);
    } finally {
      this.signal.removeEventListener('abort', stopped);
    }
  }
}
