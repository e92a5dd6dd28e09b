import { afterEach, expect, it } from 'vitest';
import type { Heartbeat } from '#shared/bus/messages.js';
import type { Studio } from '#shared/domain/ids.js';
import { parseMetrics } from '#tests/support/parse-metrics.js';
import { EndedTotals } from '../../jobs/ended-totals.js';
import type { LiveJob } from '../../jobs/live-job.js';
import type { NodeState } from '../../scheduling/farm-model.js';
import type { PoolAdvice } from '../../scheduling/scheduler-view.js';
import { FarmMetrics, type FarmMetricsParts, NAMES_MAX } from './farm-metrics.js';

const opened: FarmMetrics[] = [];
afterEach(() => {
  for (const metrics of opened.splice(0)) metrics[Symbol.dispose]();
});

interface Farm {
  pools: readonly Partial<PoolAdvice>[];
  studios: readonly { studio: Studio; slots: number; slotsWanted: number; jobs: number }[];
  inUse: ReadonlyMap<string, number>;
  nodes: readonly { state: NodeState; slots: number; slotsBusy: number }[];
  live: readonly { state: string; tilesQueued: number; tilesOpen: number; tilesDone: number }[];
  ended: EndedTotals;
}

function farm(changes: Partial<Farm> = {}): Farm {
  const nothing = { pools: [], studios: [], inUse: new Map(), nodes: [], live: [] };
  return { ...nothing, ended: new EndedTotals(), ...changes };
}

function metricsOf(now: Farm): FarmMetrics {
  const parts: FarmMetricsParts = {
    scheduler: {
      scaleAdvice: () =>
        now.pools.map((pool) => ({
          ...{ pool: '', slots: 0, slotsWanted: 0, backlogCoreSeconds: 0, reason: '' },
          ...pool,
        })),
      studios: () => now.studios,
      licencesInUse: () => now.inUse,
    },
    admin: {
      policy: () => ({ studios: new Map(), licences: new Map([['nuke', { total: 8, per: 'slot' }]]) }),
    },
    nodes: {
      list: () =>
        now.nodes.map(({ state, ...slots }) => ({ state, heartbeat: slots as unknown as Heartbeat })),
    },
    jobs: {
      liveJobs: () =>
        now.live.map(({ tilesDone, ...job }) => ({ ...job, progress: () => ({ tilesDone }) }) as LiveJob),
      get ended() {
        return now.ended;
      },
    },
  };
  const metrics = new FarmMetrics(parts, 0);
  opened.push(metrics);
  return metrics;
}

const read = async (metrics: FarmMetrics) => {
  const all = parseMetrics(await metrics.text());
  return (name: string) => Object.fromEntries(all.get(name)!.samples);
};

it('pools, studios, licences, nodes and jobs are told in numbers, with every state that there is', async () => {
  const ended = new EndedTotals();
  ended.add({ state: 'cancelled', tilesDone: 7 });
  const now = farm({
    pools: [{ slots: 3 }, { pool: 'film', slots: 16, slotsWanted: 64, backlogCoreSeconds: 1234.5 }],
    studios: [{ studio: 'ana' as Studio, slots: 12, slotsWanted: 30, jobs: 2 }],
    inUse: new Map([['arnold', 2]]),
    nodes: [
      { state: 'ready', slots: 8, slotsBusy: 5 },
      { state: 'ready', slots: 8, slotsBusy: 8 },
      { state: 'lost', slots: 4, slotsBusy: 4 },
    ],
    live: [
      { state: 'running', tilesQueued: 20, tilesOpen: 100, tilesDone: 40 },
      { state: 'queued', tilesQueued: 0, tilesOpen: 36, tilesDone: 0 },
    ],
    ended,
  });
  const shown = await read(metricsOf(now));
  expect(shown('guian_pool_slots')).toEqual({ 'pool=""': 3, 'pool="film"': 16 });
  expect(shown('guian_pool_slots_wanted')).toEqual({ 'pool=""': 0, 'pool="film"': 64 });
  expect(shown('guian_pool_backlog_core_seconds')).toEqual({ 'pool=""': 0, 'pool="film"': 1234.5 });
  expect(shown('guian_studio_slots')).toEqual({ 'studio="ana"': 12 });
  expect(shown('guian_studio_slots_wanted')).toEqual({ 'studio="ana"': 30 });
  expect(shown('guian_licence_tokens')).toEqual({ 'licence="nuke"': 8, 'licence="arnold"': 0 });
  expect(shown('guian_licence_tokens_in_use')).toEqual({ 'licence="nuke"': 0, 'licence="arnold"': 2 });
  expect(shown('guian_nodes')).toEqual({
    ...{ 'state="ready"': 2, 'state="draining"': 0, 'state="drained"': 0 },
    ...{ 'state="quarantined"': 0, 'state="lost"': 1, 'state="asleep"': 0 },
  });
  expect(shown('guian_node_slots')).toMatchObject({ 'state="ready"': 16, 'state="lost"': 4 });
  expect(shown('guian_node_slots_busy')).toMatchObject({ 'state="ready"': 13, 'state="lost"': 4 });
  expect(shown('guian_jobs')).toEqual({
    ...{ 'state="queued"': 1, 'state="running"': 1, 'state="finished"': 0 },
    ...{ 'state="finished_with_failures"': 0, 'state="cancelled"': 1 },
  });
  expect([shown('guian_tiles_queued'), shown('guian_tiles_open')]).toEqual([{ '': 20 }, { '': 136 }]);
});

it('what is gone is no longer told', async () => {
  const now = farm({ pools: [{ pool: 'film', slots: 1 }], inUse: new Map([['arnold', 1]]) });
  const metrics = metricsOf(now);
  await metrics.text();
  now.pools = [];
  now.inUse = new Map();
  const shown = await read(metrics);
  expect(shown('guian_pool_slots')).toEqual({});
  expect(shown('guian_licence_tokens_in_use')).toEqual({ 'licence="nuke"': 0 });
});

it('tiles done only ever grow: through the end of a job, a retry, and whatever was done before the first look', async () => {
  const now = farm({ live: [{ state: 'running', tilesQueued: 0, tilesOpen: 10, tilesDone: 90 }] });
  const metrics = metricsOf(now);
  const done = async () => (await read(metrics))('guian_tiles_done_total')[''];
  expect(await done()).toBe(0);
  now.live = [{ ...now.live[0]!, tilesDone: 95 }];
  expect(await done()).toBe(5);
  now.live = [];
  now.ended.add({ state: 'finished_with_failures', tilesDone: 100 });
  expect(await done()).toBe(10);
  now.ended.takeBack({ state: 'finished_with_failures', tilesDone: 100 });
  now.live = [{ state: 'running', tilesQueued: 8, tilesOpen: 8, tilesDone: 92 }];
  expect(await done()).toBe(10);
  now.live = [{ ...now.live[0]!, tilesDone: 94 }];
  expect(await done()).toBe(12);
});

it('a client that makes up studios fills no monitoring: the largest are told, and how many are not', async () => {
  const studios = Array.from({ length: NAMES_MAX + 5 }, (_, index) => ({
    ...{ studio: `s${index}` as Studio, slots: index, slotsWanted: index, jobs: 1 },
  }));
  const shown = await read(metricsOf(farm({ studios })));
  const told = shown('guian_studio_slots');
  expect(Object.keys(told)).toHaveLength(NAMES_MAX);
  expect(Math.min(...Object.values(told))).toBe(5);
  expect(shown('guian_metrics_names_left_out')).toEqual({ '': 5 });
});

it('the process tells its CPU time, memory, start and the delay of its event loop', async () => {
  const metrics = metricsOf(farm());
  await new Promise((resolve) => setImmediate(resolve));
  const shown = await read(metrics);
  expect(shown('guian_coordinator_process_cpu_seconds_total')['']).toBeGreaterThan(0);
  expect(shown('guian_coordinator_process_resident_memory_bytes')['']).toBeGreaterThan(1e7);
  const startSeconds = shown('guian_coordinator_process_start_time_seconds')['']!;
  expect(Math.abs(startSeconds + process.uptime() - Date.now() / 1000)).toBeLessThan(5);
  const delays = shown('guian_coordinator_event_loop_delay_seconds');
  expect(Object.keys(delays)).toEqual(
    ['0.5', '0.9', '0.99', '1'].map((quantile) => `quantile="${quantile}"`),
  );
  for (const delay of Object.values(delays)) expect(delay).toBeGreaterThanOrEqual(0);
});

it('scrapes that come together are answered from one look at the farm', async () => {
  let looks = 0;
  const now = farm();
  const counted = {
    get ended() {
      looks++;
      return now.ended;
    },
    liveJobs: () => [],
  };
  const parts: FarmMetricsParts = {
    scheduler: { scaleAdvice: () => [], studios: () => [], licencesInUse: () => new Map() },
    admin: { policy: () => ({ studios: new Map(), licences: new Map() }) },
    nodes: { list: () => [] },
    jobs: counted,
  };
  const metrics = new FarmMetrics(parts, 60_000);
  opened.push(metrics);
  const texts = await Promise.all([metrics.text(), metrics.text()]);
  expect(texts[0]).toBe(texts[1]);
  expect(looks).toBe(1);
});

it('before it is known which nodes there are, nothing is said of pools', async () => {
  const { ended } = farm();
  const parts: FarmMetricsParts = {
    scheduler: { scaleAdvice: () => undefined, studios: () => [], licencesInUse: () => new Map() },
    admin: { policy: () => ({ studios: new Map(), licences: new Map() }) },
    nodes: { list: () => [] },
    jobs: { ended, liveJobs: () => [] },
  };
  const metrics = new FarmMetrics(parts, 0);
  opened.push(metrics);
  expect(await metrics.text()).not.toMatch(/^guian_pool_slots/m);
});
