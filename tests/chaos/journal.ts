/** What happened to the processes of a chaos run, and when (epoch ms): the ground of its figures. */
import type { FaultKind } from './fault-plan.js';

/** A time in which a part could not do its work because of a fault. */
export interface Outage {
  readonly target: string;
  readonly kind: FaultKind;
  readonly fromMs: number;
  /** Kill, drain: when it was ready again. Stop, cut, stall: when it could go on. Undefined: not yet. */
  toMs: number | undefined;
}

/** A part that ended though nobody had asked it to: always a bug. */
export interface UnaskedEnd {
  readonly target: string;
  readonly atMs: number;
  readonly how: string;
}

export class Journal {
  readonly outages: Outage[] = [];
  readonly unaskedEnds: UnaskedEnd[] = [];
  /** Faults whose target was away already. */
  skipped = 0;
  readonly #print: (line: string) => void;
  startMs = Date.now();

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  /** Faults are counted from here. */
  begin(): void {
    this.startMs = Date.now();
  }

  begun(target: string, kind: FaultKind): Outage {
    const outage: Outage = { target, kind, fromMs: Date.now(), toMs: undefined };
    this.outages.push(outage);
    return outage;
  }

  over(outage: Outage): void {
    outage.toMs ??= Date.now();
  }

  endedUnasked(target: string, how: string): void {
    this.unaskedEnds.push({ target, atMs: Date.now(), how });
    this.say(`${target} ENDED BY ITSELF: ${how}`);
  }

  say(text: string): void {
    this.#print(`${((Date.now() - this.startMs) / 1000).toFixed(1).padStart(6)} s  ${text}`);
  }
}
