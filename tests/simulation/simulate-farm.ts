/** Runs one farm from its seed to its rest, and says how to see a failure again. */
import { FarmAudit, type FarmCounts } from './farm-audit.js';
import { type FarmPlan, type Fault, farmPlan, type SimulationOptions } from './farm-plan.js';
import { FarmWorld } from './farm-world.js';
import { SimCoordinator } from './sim-coordinator.js';

export interface FarmRun extends FarmCounts {
  readonly events: number;
  /** Virtual time from the calm to the end of the last job. */
  readonly restMs: number;
}

const RETRY_AFTER_MS = 500;
/** After the last job's end: leases run out, late results are purged. */
const SETTLE_MS = 60_000;
const COORDINATOR_DOWN_MS_MAX = 10_000;
const SHOWN_EVENTS = 60;
const RESERVE_MS = 240_000;

/** @throws whatever breaks, with the seed, the way to see it again, and what happened to the tile or at the end. */
export function simulateFarm(seed: number, options: SimulationOptions = {}): FarmRun {
  const plan = farmPlan(seed, options);
  try {
    return run(new FarmWorld(plan, (world) => new FarmAudit(world), false), plan);
  } catch {
    // The same once more, step for step, and written down.
    const world = new FarmWorld(plan, (of) => new FarmAudit(of), true);
    try {
      return run(world, plan);
    } catch (cause) {
      throw new Error(report(world, plan, cause), { cause });
    }
  }
}

function report({ trace }: FarmWorld, plan: FarmPlan, cause: unknown): string {
  const what = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  const again = `GUIAN_SIM_SEED=${plan.seed} npx vitest run dist/tests/simulation/farm-simulation.test.js`;
  const [, job, frame, tile] = /(job-\d+)\/(\d+)\/(\d+)/.exec(what) ?? [];
  const ofTile = new RegExp(`${job}[/ ]${frame}/${tile}\\b`);
  const story = job ? trace.filter((line) => ofTile.test(line)).slice(-SHOWN_EVENTS) : [];
  const last = trace.slice(-SHOWN_EVENTS);
  const parts = [
    `farm ${plan.seed}: ${what}`,
    `again: ${again}`,
    describe(plan),
    '-- the tile',
    ...story,
    '-- the farm',
    ...last,
  ];
  return parts.join('\n');
}

function run(world: FarmWorld, plan: FarmPlan): FarmRun {
  const { time, audit } = world;
  for (const node of plan.nodes) world.startAgent(node);
  new SimCoordinator(world);
  for (const job of plan.jobs) submitAt(world, job);
  for (const fault of plan.faults) time.after(fault.atMs, () => strike(world, fault));
  time.after(plan.calmAtMs, () => calmDown(world));
  const untilMs = plan.calmAtMs + boundMs(plan);
  const isOver = () =>
    world.jobs.size === plan.jobs.length &&
    [...world.jobs.values()].every((job) => world.hasEnded(job) && !job.isRetryDue);
  while (!isOver())
    if (!time.step(untilMs)) audit.broken('every job ends', audit.leftOver() ?? 'a retry did not begin');
  const restMs = Math.max(0, time.nowMs - plan.calmAtMs);
  const settledMs = Math.max(time.nowMs, plan.calmAtMs) + SETTLE_MS;
  for (let lookMs = time.nowMs; audit.leftOver() !== undefined || time.nowMs < plan.calmAtMs; lookMs += 500) {
    if (lookMs > settledMs) audit.broken('nothing is left behind', audit.leftOver()!);
    while (time.step(lookMs));
  }
  return { ...audit.totals, events: time.count, restMs };
}

function submitAt(world: FarmWorld, job: FarmPlan['jobs'][number]): void {
  world.time.after(job.submittedAtMs, () => {
    const { jobId } = job.record;
    world.storeJob(job);
    world.coordinator?.submitted(jobId);
    // Asks again once, when the job has ended with failures.
    world.time.every(RETRY_AFTER_MS, () => {
      const stored = world.jobs.get(jobId)!;
      if (!world.hasEnded(stored)) return true;
      if (stored.ended!.state === 'finished' || !job.isRetried || stored.retries.count > 0) {
        stored.isRetryDue = false;
        return false;
      }
      world.coordinator?.retry(jobId);
      return true;
    });
  });
}

function strike(world: FarmWorld, { kind, node, forMs }: Fault): void {
  const { random, queue, results } = world;
  const { nodeId } = world.plan.nodes[node]!;
  const agent = world.agents.get(nodeId);
  world.note(
    () =>
      `${kind}${kind.endsWith('agent') ? ` ${agent?.instanceId}` : ''} for ${(forMs / 1000).toFixed(1)} s`,
  );
  switch (kind) {
    case 'kill agent':
      if (agent?.isAlive) world.kill(agent, forMs);
      return;
    case 'freeze agent':
      agent?.freeze();
      world.time.after(forMs, () => agent?.thaw());
      return;
    case 'cut agent':
      agent?.cut();
      world.time.after(forMs, () => agent?.reconnect());
      return;
    case 'drain agent':
      if (!agent?.isAlive || agent.isDraining) return;
      agent.drain();
      world.restart(agent, forMs);
      return;
    case 'kill coordinator':
      stopCoordinator(world);
      world.time.after(Math.min(forMs, COORDINATOR_DOWN_MS_MAX), () => startCoordinator(world));
      return;
    case 'kill server':
      queue.bringBack(({ jobId }) => world.coordinator?.jobs.get(jobId)?.isEnding === false);
      return;
    case 'lose tiles':
      for (const { sequence } of queue.all()) if (random.chance(0.3)) queue.delete(sequence);
      return;
    case 'lose results':
      for (const { sequence } of results.all()) if (random.chance(0.3)) results.delete(sequence);
      return;
    default:
      throw kind satisfies never;
  }
}

function stopCoordinator(world: FarmWorld): void {
  world.coordinator?.kill();
  world.coordinator = undefined;
}

function startCoordinator(world: FarmWorld): void {
  if (!world.coordinator) new SimCoordinator(world);
}

/** Whatever is down comes back, and stays. */
function calmDown(world: FarmWorld): void {
  world.note(() => 'all is calm');
  startCoordinator(world);
  for (const node of world.plan.nodes) {
    const agent = world.agents.get(node.nodeId);
    agent?.thaw();
    agent?.reconnect();
    if (!agent?.isAlive) world.startAgent(node);
  }
}

/** Generous: the work of one slot of the best node, as often as tiles may be tried, and what silence and pauses cost. */
function boundMs({ jobs, nodes }: FarmPlan): number {
  const worst = Math.max(...nodes.map(({ slowness }) => slowness));
  // The others may be blocked.
  const good = nodes.filter(({ kind }) => kind === 'good');
  const best = good.length > 0 ? Math.min(...good.map(({ slowness }) => slowness)) : worst;
  const ofJobs = jobs.map(({ record, tilesPerFrame, tileMs, poison, isRetried }) => {
    // Two nodes have to render it, and the other one may be slow.
    const usual = record.verify > 0 ? worst : best;
    const tries = (record.maxAttempts + 2) * (isRetried ? 2 : 1);
    const killers = [...poison.values()].filter((kind) => kind === 'kills').length;
    return (
      tries *
      (record.frames.length * tilesPerFrame * 1.5 * tileMs * usual + 4 * tileMs * worst + killers * 30_000)
    );
  });
  return RESERVE_MS + ofJobs.reduce((a, b) => a + b, 0);
}

function describe({
  nodes,
  jobs,
  faults,
  calmAtMs,
  latencyMsMax,
  heartbeatLoss,
  messageTrouble,
}: FarmPlan): string {
  const lines = [
    ...nodes.map(
      ({ nodeId, slots, kind, rate, slowness }) =>
        `  ${nodeId}: ${slots} slots, ${kind} (${rate}), slowness ${slowness.toFixed(1)}`,
    ),
    ...jobs.map(({ record, tilesPerFrame, tileMs, poison }) => {
      const poisoned = [...poison].map(([key, kind]) => `${key} ${kind}`).join(', ');
      const of = `${record.frames.length} x ${tilesPerFrame} tiles of ${tileMs.toFixed(0)} ms`;
      return `  ${record.jobId}: ${of}, maxAttempts ${record.maxAttempts}, verify ${record.verify}${poisoned ? `; poison: ${poisoned}` : ''}`;
    }),
    `  ${faults.length} faults until ${(calmAtMs / 1000).toFixed(1)} s, latency ${latencyMsMax} ms, loss ${heartbeatLoss}, trouble ${messageTrouble}`,
  ];
  return lines.join('\n');
}
