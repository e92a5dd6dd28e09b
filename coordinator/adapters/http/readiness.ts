/**
 * Whether the coordinator serves: what it cannot do without is asked at each look, and answers within a bound. A full disk
 * is no reason to say no: jobs wait for it and say so, and whoever frees it may need the coordinator's answers.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '#shared/errors.js';

/** Something that must answer. */
export interface Check {
  /** What is wrong when it does not, for people. */
  readonly trouble: string;
  /** Rejects, or does not come back. */
  ask(): Promise<unknown>;
}

export interface Trouble {
  readonly trouble: string;
  /** For the log. */
  readonly reason: string;
}

/** Kubernetes' probes wait for a second. */
const TIMEOUT_MS = 500;

export class Readiness {
  private readonly checks: readonly Check[];
  private readonly timeoutMs: number;
  /** Questions without an answer so far: however often somebody looks, each is asked once at a time. */
  private readonly asked = new Map<Check, Promise<Trouble | undefined>>();

  constructor(checks: readonly Check[], timeoutMs: number = TIMEOUT_MS) {
    this.checks = checks;
    this.timeoutMs = timeoutMs;
  }

  /** What is wrong now; empty: ready. Never rejects, and takes no longer than the bound. */
  async look(): Promise<readonly Trouble[]> {
    const bound = new AbortController();
    const late = delay(this.timeoutMs, true, { signal: bound.signal }).catch(() => true);
    const found = await Promise.all(
      this.checks.map((check) =>
        Promise.race([
          this.ask(check),
          late.then((): Trouble => ({ trouble: check.trouble, reason: `no answer in ${this.timeoutMs} ms` })),
        ]),
      ),
    );
    bound.abort();
    return found.filter((trouble) => trouble !== undefined);
  }

  private ask(check: Check): Promise<Trouble | undefined> {
    const before = this.asked.get(check);
    if (before) return before;
    const answer = check
      .ask()
      .then(
        () => undefined,
        (error: unknown): Trouble => ({ trouble: check.trouble, reason: messageOf(error) }),
      )
      .finally(() => this.asked.delete(check));
    this.asked.set(check, answer);
    return answer;
  }
}
