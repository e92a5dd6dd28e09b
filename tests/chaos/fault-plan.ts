/**
 * What goes wrong in a chaos run, and when: a pure function of a seed, so that a run can be had again. Two sequences run
 * side by side, kills and disturbances, each at a mean distance of `killEveryMs`, so that faults overlap at times.
 */
import { type SeededRandom, seededRandom } from './seeded-random.js';

export const FAULT_KINDS = [
  'agent-kill',
  'coordinator-kill',
  'nats-kill',
  'agent-stop',
  'coordinator-stop',
  'nats-stop',
  'agent-cut',
  'coordinator-cut',
  'agent-stall',
  'coordinator-stall',
  'agent-drain',
  'client-cancel',
  'client-retry',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  /** From the start of the run. */
  readonly atMs: number;
  readonly kind: FaultKind;
  /** `agent-1` to `agent-N`, `coordinator`, `nats-server` or `client`. */
  readonly target: string;
  /** Kill, drain: until it is started again. Stop: until it goes on. Cut, stall: until bytes pass again. */
  readonly forMs: number;
}

export interface PlanOptions {
  readonly seed: number;
  readonly durationMs: number;
  /** Mean distance of kills. */
  readonly killEveryMs: number;
  readonly agents: number;
  /** Default: all. */
  readonly only?: readonly FaultKind[] | undefined;
}

/** How long each lasts, ms, and how often it is dealt. Restarts are as quick as a supervisor's (systemd: 100 ms and up). */
const DEALT: Readonly<Record<FaultKind, { fromMs: number; toMs: number; weight: number }>> = {
  'agent-kill': { fromMs: 200, toMs: 1_000, weight: 2 },
  'coordinator-kill': { fromMs: 200, toMs: 1_000, weight: 1 },
  'nats-kill': { fromMs: 200, toMs: 1_000, weight: 1 },
  'agent-stop': { fromMs: 1_000, toMs: 8_000, weight: 2 },
  'coordinator-stop': { fromMs: 1_000, toMs: 8_000, weight: 1 },
  'nats-stop': { fromMs: 1_000, toMs: 8_000, weight: 1 },
  'agent-cut': { fromMs: 0, toMs: 3_000, weight: 1 },
  'coordinator-cut': { fromMs: 0, toMs: 3_000, weight: 1 },
  'agent-stall': { fromMs: 1_000, toMs: 6_000, weight: 1 },
  'coordinator-stall': { fromMs: 1_000, toMs: 6_000, weight: 1 },
  'agent-drain': { fromMs: 200, toMs: 1_000, weight: 1 },
  'client-cancel': { fromMs: 0, toMs: 0, weight: 1 },
  'client-retry': { fromMs: 0, toMs: 0, weight: 1 },
};
/** Before the first: every agent has its first tiles by then. */
const QUIET_MS = 2_000;

export function planFaults({ seed, durationMs, killEveryMs, agents, only }: PlanOptions): Fault[] {
  const wanted = FAULT_KINDS.filter((kind) => !only || only.includes(kind));
  const faults: Fault[] = [];
  for (const [index, kinds] of [wanted.filter(isKill), wanted.filter((kind) => !isKill(kind))].entries()) {
    // Each its own chance: a longer run begins as a shorter one does.
    const random = seededRandom(seed * 2 + index);
    const deal = dealer(random, kinds);
    const step = () => random.between(0.5, 1.5) * killEveryMs;
    for (let atMs = QUIET_MS + step() / 2; kinds.length > 0 && atMs < durationMs; atMs += step()) {
      const kind = deal();
      const { fromMs, toMs } = DEALT[kind];
      const forMs = Math.round(random.between(fromMs, toMs));
      faults.push({ atMs: Math.round(atMs), kind, target: targetOf(kind, random, agents), forMs });
    }
  }
  return faults.sort((a, b) => a.atMs - b.atMs);
}

/** As a line for people. */
export function describeFault({ atMs, kind, target, forMs }: Fault): string {
  const after = forMs > 0 ? ` for ${(forMs / 1000).toFixed(1)} s` : '';
  return `${(atMs / 1000).toFixed(1).padStart(6)} s  ${kind} ${target}${after}`;
}

const isKill = (kind: FaultKind): boolean => kind.endsWith('-kill');

/** Each kind as often as its weight says, in an order of chance, before any comes again: short runs have all of them. */
function dealer(random: SeededRandom, kinds: readonly FaultKind[]): () => FaultKind {
  const all = kinds.flatMap((kind) => Array.from({ length: DEALT[kind].weight }, () => kind));
  let stack: FaultKind[] = [];
  return () => {
    if (stack.length === 0) stack = random.shuffled(all);
    return stack.pop()!;
  };
}

function targetOf(kind: FaultKind, random: SeededRandom, agents: number): string {
  if (kind.startsWith('agent-')) return `agent-${1 + Math.floor(random.between(0, agents))}`;
  if (kind.startsWith('nats-')) return 'nats-server';
  return kind.startsWith('client-') ? 'client' : 'coordinator';
}
