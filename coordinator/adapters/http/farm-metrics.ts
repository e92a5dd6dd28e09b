/**
 * The farm in numbers, as Prometheus reads them. Worked out at each scrape from what the coordinator knows anyway: nothing
 * is counted per result. No series per job or node: those come and go by the thousand.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import { JOB_TRANSITIONS } from '#shared/state/job-state.js';
import type { Admin } from '../../admin/admin.js';
import type { JobRegistry } from '../../jobs/job-registry.js';
import type { KnownNode } from '../../loops/nodes.js';
import type { NodeState } from '../../scheduling/farm-model.js';
import type { SchedulerView } from '../../scheduling/scheduler-view.js';
import { ProcessMetrics } from './process-metrics.js';

export interface FarmMetricsParts {
  readonly scheduler: Pick<SchedulerView, 'scaleAdvice' | 'studios' | 'licencesInUse'>;
  readonly admin: Pick<Admin, 'policy'>;
  readonly nodes: { list(): readonly Pick<KnownNode, 'state' | 'heartbeat'>[] };
  readonly jobs: Pick<JobRegistry, 'liveJobs' | 'ended'>;
}

/** Names (pools, studios, licences) that one metric shows at most: whoever submits jobs chooses what a studio is called. */
export const NAMES_MAX = 1_000;
/** Scrapes that come closer together get the same answer: a scrape is a pass over the farm. */
const SAME_MS = 250;

export class FarmMetrics implements Disposable {
  readonly contentType: string;
  private readonly parts: FarmMetricsParts;
  private readonly sameMs: number;
  private readonly registry = new Registry();
  private readonly process = new ProcessMetrics(this.registry);
  private readonly gauges = farmGauges(this.registry);
  private readonly tilesDone = new Counter({
    name: 'guian_tiles_done_total',
    help: 'Tiles done since the first scrape of this coordinator; one that is rendered again counts again.',
    registers: [this.registry],
  });
  /** Of all jobs, ended ones included. Absent: nobody has looked yet. */
  private tilesDoneBefore: number | undefined;
  private leftOut = 0;
  private last: Promise<string> | undefined;
  private lastAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: FarmMetricsParts, sameMs: number = SAME_MS) {
    this.parts = parts;
    this.sameMs = sameMs;
    this.contentType = this.registry.contentType;
  }

  /** In Prometheus' text format. */
  text(): Promise<string> {
    const nowMs = performance.now();
    if (this.last && nowMs - this.lastAtMs < this.sameMs) return this.last;
    this.look();
    this.lastAtMs = nowMs;
    this.last = this.registry.metrics();
    return this.last;
  }

  [Symbol.dispose](): void {
    this.process[Symbol.dispose]();
  }

  private look(): void {
    this.leftOut = 0;
    this.lookAtPools();
    this.lookAtStudios();
    this.lookAtLicences();
    this.lookAtNodes();
    this.lookAtJobs();
    this.gauges.leftOut.set(this.leftOut);
    this.process.look();
  }

  private lookAtPools(): void {
    const { poolSlots, poolSlotsWanted, poolBacklog } = this.gauges;
    for (const gauge of [poolSlots, poolSlotsWanted, poolBacklog]) gauge.reset();
    // Right after a start there is none: no number is better than a wrong one, which might send machines away.
    const pools = this.shown(this.parts.scheduler.scaleAdvice() ?? [], (pool) => pool.slotsWanted);
    for (const { pool, slots, slotsWanted, backlogCoreSeconds } of pools) {
      poolSlots.set({ pool }, slots);
      poolSlotsWanted.set({ pool }, slotsWanted);
      poolBacklog.set({ pool }, backlogCoreSeconds);
    }
  }

  private lookAtStudios(): void {
    const { studioSlots, studioSlotsWanted } = this.gauges;
    for (const gauge of [studioSlots, studioSlotsWanted]) gauge.reset();
    for (const { studio, slots, slotsWanted } of this.shown(
      this.parts.scheduler.studios(),
      (one) => one.slots,
    )) {
      studioSlots.set({ studio }, slots);
      studioSlotsWanted.set({ studio }, slotsWanted);
    }
  }

  private lookAtLicences(): void {
    const { licenceTokens, licenceTokensInUse } = this.gauges;
    for (const gauge of [licenceTokens, licenceTokensInUse]) gauge.reset();
    const { licences } = this.parts.admin.policy();
    const inUse = this.parts.scheduler.licencesInUse();
    const names = [...new Set([...licences.keys(), ...inUse.keys()])];
    for (const licence of this.shown(names, (name) => inUse.get(name) ?? 0)) {
      licenceTokens.set({ licence }, licences.get(licence)?.total ?? 0);
      licenceTokensInUse.set({ licence }, inUse.get(licence) ?? 0);
    }
  }

  private lookAtNodes(): void {
    const { nodes, nodeSlots, nodeSlotsBusy } = this.gauges;
    const sums = new Map(NODE_STATES.map((state) => [state, { nodes: 0, slots: 0, busy: 0 }]));
    for (const { state, heartbeat } of this.parts.nodes.list()) {
      const sum = sums.get(state)!;
      sum.nodes++;
      sum.slots += heartbeat.slots;
      sum.busy += heartbeat.slotsBusy;
    }
    for (const [state, sum] of sums) {
      nodes.set({ state }, sum.nodes);
      nodeSlots.set({ state }, sum.slots);
      nodeSlotsBusy.set({ state }, sum.busy);
    }
  }

  private lookAtJobs(): void {
    const { jobs, tilesQueued, tilesOpen } = this.gauges;
    const { ended } = this.parts.jobs;
    const counts = new Map<string, number>(Object.entries(ended.jobs));
    const tiles = { queued: 0, open: 0, done: ended.tilesDone };
    for (const job of this.parts.jobs.liveJobs()) {
      counts.set(job.state, (counts.get(job.state) ?? 0) + 1);
      tiles.queued += job.tilesQueued;
      tiles.open += job.tilesOpen;
      tiles.done += job.progress().tilesDone;
    }
    for (const state of Object.keys(JOB_TRANSITIONS)) jobs.set({ state }, counts.get(state) ?? 0);
    tilesQueued.set(tiles.queued);
    tilesOpen.set(tiles.open);
    // What is rendered again is taken out of the sum first: a counter that fell would read as one that began anew.
    this.tilesDone.inc(Math.max(0, tiles.done - (this.tilesDoneBefore ?? tiles.done)));
    this.tilesDoneBefore = tiles.done;
  }

  /** All, or those with the largest numbers. */
  private shown<T>(list: readonly T[], size: (one: T) => number): readonly T[] {
    if (list.length <= NAMES_MAX) return list;
    this.leftOut += list.length - NAMES_MAX;
    return [...list].sort((a, b) => size(b) - size(a)).slice(0, NAMES_MAX);
  }
}

const NODE_STATES = Object.keys({
  ...{ ready: 0, draining: 0, drained: 0, quarantined: 0, lost: 0, asleep: 0 },
} satisfies Record<NodeState, number>) as readonly NodeState[];

function farmGauges(registry: Registry) {
  const gauge = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge<Label>({ name: `guian_${name}`, help, labelNames, registers: [registry] });
  return {
    poolSlots: gauge('pool_slots', 'Slots of ready nodes, by pool (empty: in none).', ['pool']),
    poolSlotsWanted: gauge('pool_slots_wanted', 'Slots that the pool should have ("guian scale advice").', [
      'pool',
    ]),
    poolBacklog: gauge('pool_backlog_core_seconds', 'What is left to render, as far as known, by pool.', [
      'pool',
    ]),
    studioSlots: gauge('studio_slots', 'Slots that work for the studio.', ['studio']),
    studioSlotsWanted: gauge('studio_slots_wanted', 'Slots that the studio could use now.', ['studio']),
    licenceTokens: gauge('licence_tokens', 'Tokens that the farm may use, as set or reported.', ['licence']),
    licenceTokensInUse: gauge('licence_tokens_in_use', 'Tokens that nodes hold.', ['licence']),
    nodes: gauge('nodes', 'Nodes by state.', ['state']),
    nodeSlots: gauge('node_slots', 'Slots of nodes, by the state of the node.', ['state']),
    nodeSlotsBusy: gauge('node_slots_busy', 'Slots that render, by the state of the node.', ['state']),
    jobs: gauge('jobs', 'Jobs that the farm knows, by state.', ['state']),
    tilesQueued: gauge('tiles_queued', 'Tiles in the queue or with nodes.'),
    tilesOpen: gauge('tiles_open', 'Tiles of jobs that have not ended which are still to be rendered.'),
    leftOut: gauge(
      'metrics_names_left_out',
      `Pools, studios and licences beyond the ${NAMES_MAX} that a metric shows.`,
    ),
  };
}
