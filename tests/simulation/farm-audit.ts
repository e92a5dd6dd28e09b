/**
 * Watches a simulated farm and knows the truth: which failures were real, which pixels are right. Whatever breaks a
 * promise of the farm ends the simulation with the promise's name.
 */

import { type LiveFrame, tileState } from '#coordinator/jobs/live-frame.js';
import type { LiveJob } from '#coordinator/jobs/live-job.js';
import { isAttemptLive, liveAttempts, unwantedNodes } from '#coordinator/jobs/tile-case.js';
import type { NextTile } from '#coordinator/jobs/tile-order.js';
import type { QueuedAttempt } from '#coordinator/recovery/lost-tiles.js';
import { LOSSES_UNTIL_ISOLATED } from '#coordinator/recovery/tiles-at-work.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import type { NodePlan } from './farm-plan.js';
import type { FarmWorld, StoredFrame } from './farm-world.js';
import { POLICY } from './node-judge.js';
import { rightPixels } from './render-outcome.js';
import type { SimAgent } from './sim-agent.js';
import type { SimCoordinator } from './sim-coordinator.js';
import type { QueuedMessage, TileMessage } from './tile-queue.js';

/** A promise that a simulated farm broke. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise';
}

/** From the death of an agent until its leases are ended, where a coordinator listens all the while. */
const TAKEN_BACK_MS = 15_000;

export interface FarmCounts {
  attempts: number;
  failures: number;
  agentsKilledByTiles: number;
  lossesReported: number;
  toldWithoutNode: number;
  unverified: number;
  framesFinished: number;
  framesFailed: number;
}

export class FarmAudit {
  readonly totals: FarmCounts = {
    ...{ attempts: 0, failures: 0, agentsKilledByTiles: 0, lossesReported: 0, toldWithoutNode: 0 },
    ...{ unverified: 0, framesFinished: 0, framesFailed: 0 },
  };
  private readonly world: FarmWorld;
  /** Attempts that failed in truth, and those that count since they ended agents. */
  private readonly realFailures = new Set<string>();
  private readonly lossReports = new Set<string>();
  /** By sequence in the queue. */
  private readonly avoided = new Map<number, readonly NodeId[]>();
  private readonly queuedBy = new Map<number, SimCoordinator>();
  private readonly lastFed = new Map<string, number>();
  /** Tiles with an accepted result, in this life of the coordinator; whether two nodes agreed. */
  private readonly accepted = new Map<string, boolean>();
  /** Nodes that have given a result of a tile of which two are wanted, in this life of the coordinator. */
  private readonly opinions = new Map<string, Set<NodeId>>();
  private readonly agentsKilled = new Map<string, number>();
  private readonly begun = new Map<string, number>();

  constructor(world: FarmWorld) {
    this.world = world;
  }

  /** A coordinator has loaded the job, or a retry has begun. */
  loaded(jobId: JobId): void {
    for (const map of [this.lastFed, this.accepted, this.opinions])
      for (const key of [...map.keys()]) if (key.startsWith(`${jobId}/`)) map.delete(key);
  }

  retried(jobId: JobId): void {
    this.world.note(() => `failed frames of ${jobId} are asked for again`);
  }

  fed(job: LiveJob, { frame, tile, attempt, avoid }: NextTile, workers: readonly NodeId[]): void {
    const key = tileKey(job.jobId, frame.frame, tile);
    this.world.note(() => `fed ${key}/${attempt}${avoid.length > 0 ? `, not for ${avoid.join(' ')}` : ''}`);
    if (attempt <= (this.lastFed.get(key) ?? 0)) this.broken('attempts grow', `${key}: ${attempt} again`);
    this.lastFed.set(key, attempt);
    const unwanted = unwantedNodes(frame, tile);
    const others = workers.filter((worker) => !unwanted.includes(worker));
    if (others.length === 0 || liveAttempts(frame, tile).length > 1) return;
    const missing = unwanted.find((nodeId) => !avoid.includes(nodeId));
    if (missing)
      this.broken('a node does not get a tile twice while others can have it', `${key} to ${missing}`);
  }

  queued(sequence: number, avoid: readonly NodeId[], by: SimCoordinator): void {
    this.queuedBy.set(sequence, by);
    if (avoid.length > 0) this.avoided.set(sequence, avoid);
  }

  renderBegins(node: NodePlan, tile: TileMessage, sequence: number): void {
    this.totals.attempts++;
    const key = tileKey(tile.jobId, tile.frame, tile.tile);
    this.world.note(() => `${node.nodeId} begins ${key}/${tile.attempt}`);
    if (this.avoided.get(sequence)?.includes(node.nodeId))
      this.broken(
        'a node does not get a tile twice while others can have it',
        `${node.nodeId} renders ${key}`,
      );
    if (node.kind === 'bad') this.badNodeBegins(node, tile.jobId);
  }

  /** In truth. */
  attemptFailed(_nodeId: NodeId, { jobId, frame, tile, attempt }: TileMessage): void {
    this.realFailures.add(`${tileKey(jobId, frame, tile)}/${attempt}`);
  }

  tileKills(agent: SimAgent, { jobId, frame, tile }: TileMessage): void {
    const { world } = this;
    const key = tileKey(jobId, frame, tile);
    const killed = (this.agentsKilled.get(key) ?? 0) + 1;
    this.agentsKilled.set(key, killed);
    this.totals.agentsKilledByTiles++;
    world.note(() => `${key} kills ${agent.instanceId}`);
    const { plan, retries } = world.jobs.get(jobId)!;
    // A restart of the coordinator forgets losses; an agent that dies before it says what it has loses it uncounted.
    const perRun = 2 * (LOSSES_UNTIL_ISOLATED + plan.record.maxAttempts + 2);
    const max = perRun * (1 + retries.count + world.plan.faults.length);
    if (killed > max) this.broken('a tile ends few agents', `${key} ended ${killed}, ${max} at most`);
    world.kill(agent, world.random.between(500, 3_000));
  }

  /** The leases of a dead agent go back while a coordinator listens. */
  agentDied(agent: SimAgent): void {
    const { world } = this;
    const { coordinator } = world;
    const live = [...(coordinator?.nodes.instances.live() ?? [])];
    const isMissed = live.some(({ heartbeat }) => heartbeat.instanceId === agent.instanceId);
    world.time.after(TAKEN_BACK_MS, () => {
      if (!coordinator?.isAlive || world.coordinator !== coordinator) return;
      const kept = world.queue
        .all()
        .find(
          (message) =>
            message.state === 'leased' && message.holder === agent.instanceId && this.isWanted(message),
        );
      // Of what an earlier coordinator queued, this one may know nothing.
      if (!kept || this.queuedBy.get(kept.sequence) !== coordinator || this.isInOtherHand(kept)) return;
      // It was lost before, or never heard of; or its leases cannot be told from messages that the server has brought back.
      const isGhost = (one: QueuedMessage) => one.jobId === kept.jobId && one.state === 'stuck';
      if (!isMissed || world.queue.all().some(isGhost)) return;
      const key = tileKey(kept.jobId, kept.frame, kept.tile);
      this.broken('tiles of lost nodes go to others at once', `${key} is still with ${agent.instanceId}`);
    });
  }

  /** Tiles were lost with a connection, says the coordinator. */
  toldWithoutNode(jobId: JobId, tiles: readonly QueuedAttempt[], lookedAtMs: number): void {
    this.totals.toldWithoutNode += tiles.length;
    for (const { frame, tile, attempt } of tiles) {
      const { state, waitsSinceMs } = this.world.queue.find({ jobId, frame, tile, attempt }) ?? {};
      if ((state === 'again' || state === 'resting') && waitsSinceMs! < lookedAtMs)
        this.broken('no tile that waits for a slot is told as lost', tileKey(jobId, frame, tile));
    }
  }

  /** A node has given a result that needs a second one. */
  opinion(job: LiveJob, frame: LiveFrame, tile: number, nodeId: NodeId): void {
    const key = tileKey(job.jobId, frame.frame, tile);
    this.opinions.set(key, (this.opinions.get(key) ?? new Set()).add(nodeId));
  }

  /** Delivered twice, it is with another agent as well. */
  private isInOtherHand({ jobId, frame, tile, attempt, holder }: QueuedMessage): boolean {
    const isIt = (held: TileMessage) =>
      held.jobId === jobId && held.frame === frame && held.tile === tile && held.attempt === attempt;
    return [...this.world.agents.values()].some(
      (agent) => agent.instanceId !== holder && agent.tickets.some((ticket) => isIt(ticket.tile)),
    );
  }

  /** An attempt that its job still waits for; others are rendered in vain when their leases run out. */
  private isWanted({ jobId, frame, tile, attempt }: TileMessage): boolean {
    const job = this.world.coordinator?.jobs.get(jobId);
    const open = [...(job?.openFrames() ?? [])].find((one) => one.frame === frame);
    return open !== undefined && open.state === 'rendering' && isAttemptLive(open, tile, attempt);
  }

  placed(job: LiveJob, frame: LiveFrame, tile: number, isVerified: boolean): void {
    const key = tileKey(job.jobId, frame.frame, tile);
    if (this.accepted.has(key)) this.broken('one result per tile', key);
    this.accepted.set(key, isVerified);
    if (isVerified || !job.needsSecondOpinion(frame.frame, tile)) return;
    this.totals.unverified++;
    const workers = this.world.coordinator!.workersOf(job.jobId);
    const nodeId = frame.results[tile]!.nodeId;
    const failed = frame.failedAttempts.of(tile).map((attempt) => attempt.nodeId as NodeId);
    const asked = new Set([nodeId, ...failed, ...(this.opinions.get(key) ?? [])]);
    if (workers.length === 0 || !workers.every((worker) => asked.has(worker)))
      this.broken('two nodes agree on a verified tile', key);
  }

  displaced(job: LiveJob, frame: LiveFrame, tiles: readonly number[]): void {
    for (const tile of tiles) {
      this.world.note(() => `the result of ${tileKey(job.jobId, frame.frame, tile)} cannot be used`);
      this.accepted.delete(tileKey(job.jobId, frame.frame, tile));
      this.opinions.delete(tileKey(job.jobId, frame.frame, tile));
    }
  }

  failureCounted(job: LiveJob, frame: LiveFrame, tile: number, isGivenUp: boolean, permanent: boolean): void {
    const key = tileKey(job.jobId, frame.frame, tile);
    const counted = frame.failed.get(tile) ?? [];
    this.totals.failures++;
    const invented = counted.find(
      (attempt) => !this.realFailures.has(`${key}/${attempt}`) && !this.lossReports.has(`${key}/${attempt}`),
    );
    if (invented !== undefined) this.broken('only real failures count', `${key}/${invented}`);
    const { maxAttempts } = job.record;
    if (counted.length > maxAttempts)
      this.broken('maxAttempts is kept', `${key} failed ${counted.length} times`);
    if (isGivenUp && !permanent && counted.length < maxAttempts)
      this.broken('no tile is given up early', `${key} after ${counted.length} of ${maxAttempts}`);
    if (isGivenUp) this.world.note(() => `${key} is given up`);
  }

  undecidable(_job: LiveJob, frame: LiveFrame, tile: number): void {
    const digests = frame.cases.get(tile)!.candidates.map(({ digest }) => digest);
    if (new Set(digests).size !== digests.length || digests.length < 2)
      this.broken('candidates differ', digests.join());
  }

  lossReported(jobId: JobId, frame: number, tile: number, attempt: number, losses: number): void {
    const key = tileKey(jobId, frame, tile);
    this.totals.lossesReported++;
    if (losses <= LOSSES_UNTIL_ISOLATED)
      this.broken('a kill does not count', `${key} after ${losses} losses`);
    this.lossReports.add(`${key}/${attempt}`);
  }

  frameRecorded(job: LiveJob, frame: LiveFrame, stored: StoredFrame): void {
    const { jobId } = job;
    const where = `${jobId}/${frame.frame}`;
    const { plan, frames } = this.world.jobs.get(jobId)!;
    this.world.note(() => `${where} ${stored.state}`);
    const before = frames.get(frame.frame);
    if (before && (before.state === 'finished' || before.retry >= stored.retry))
      this.broken('a frame is recorded once', where);
    if (stored.state === 'failed') {
      this.totals.framesFailed++;
      this.mayFail(plan.record.frames.length, where, jobId, frame);
      return;
    }
    this.totals.framesFinished++;
    for (let tile = 0; tile < job.grid.count; tile++) {
      const key = tileKey(jobId, frame.frame, tile);
      const pixels = frame.results[tile]?.digest as string | undefined;
      if (pixels === undefined) this.broken('a finished frame has every tile', key);
      if (plan.poison.has(`${frame.frame}/${tile}`)) this.broken('a poison tile fails', key);
      const isSure = job.needsSecondOpinion(frame.frame, tile) && this.accepted.get(key);
      const isRight = pixels === rightPixels({ jobId, frame: frame.frame, tile });
      if (!isRight && (isSure || !pixels?.startsWith(rightPixels({ jobId, frame: frame.frame, tile }))))
        this.broken('pixels are right', `${key} is ${pixels}`);
    }
  }

  jobEnded(job: LiveJob): void {
    const { framesFinished, framesFailed, framesTotal, tilesQueued } = job.progress();
    this.world.note(() => `${job.jobId} has ended`);
    if (framesFinished + framesFailed !== framesTotal) this.broken('every frame is recorded', job.jobId);
    if (tilesQueued !== 0) this.broken('tilesQueued is right', `${tilesQueued} at the end of ${job.jobId}`);
  }

  /** A job's numbers are those of its tiles. */
  counts(job: LiveJob): void {
    if (job.isEnding) return;
    let [queued, doneOpen] = [0, 0];
    for (const frame of job.openFrames()) {
      let done = 0;
      for (let tile = 0; tile < job.grid.count; tile++) {
        const state = tileState(frame, tile);
        if (state === 'queued') queued++;
        if (state === 'done') done++;
        if ((state === 'done') !== (frame.results[tile] !== undefined))
          this.broken(
            'a tile is done when it has a result',
            `${tileKey(job.jobId, frame.frame, tile)} is ${state}`,
          );
      }
      if (done !== frame.doneCount)
        this.broken('progress adds up', `${frame.doneCount} for ${done} done tiles`);
      doneOpen += done;
    }
    const progress = job.progress();
    if (queued !== progress.tilesQueued)
      this.broken('tilesQueued is right', `${progress.tilesQueued} for ${queued} in ${job.jobId}`);
    if (progress.tilesDone < doneOpen || progress.tilesDone + progress.tilesFailed > progress.tilesTotal)
      this.broken('progress adds up', JSON.stringify(progress));
  }

  /** Somebody is always left to work. */
  judged(coordinator: SimCoordinator, candidates: ReadonlySet<NodeId>): void {
    if (candidates.size === 0 || this.world.time.nowMs - coordinator.startedAtMs < 4_000) return;
    const standings = [...candidates].map((nodeId) => coordinator.judge.standingOf(nodeId));
    if (standings.every(({ quarantine }) => quarantine))
      this.broken('somebody is left', 'all are quarantined');
    for (const jobId of coordinator.jobs.keys()) {
      const mayWork = standings.some(
        ({ blocks, quarantine }) => !quarantine && !blocks.some((block) => block.jobId === jobId),
      );
      if (!mayWork) this.broken('somebody is left', `nobody for ${jobId}`);
    }
  }

  /** @returns what keeps the farm from rest; nothing at the end. */
  leftOver(): string | undefined {
    const { world } = this;
    for (const [jobId, stored] of world.jobs) if (!world.hasEnded(stored)) return `${jobId} has not ended`;
    const message = world.queue.all()[0];
    if (message)
      return `${tileKey(message.jobId, message.frame, message.tile)}/${message.attempt} is in the queue (${message.state})`;
    const result = world.results.all()[0];
    if (result) return `a result of ${tileKey(result.jobId, result.frame, result.tile)} is in the stream`;
    for (const agent of world.agents.values())
      if (agent.isAlive && agent.tickets.length > 0)
        return `${agent.instanceId} holds ${agent.tickets.length} tiles`;
    return undefined;
  }

  broken(promise: string, what: string): never {
    throw new BrokenPromise(`${promise}: ${what}`);
  }

  /** A frame without a poison tile fails only where nodes fail. */
  private mayFail(_frames: number, where: string, jobId: JobId, frame: LiveFrame): void {
    const { nodes } = this.world.plan;
    const { plan } = this.world.jobs.get(jobId)!;
    if (frame.state !== 'failed') this.broken('a failed frame has a failed tile', where);
    const isPoisoned = [...plan.poison.keys()].some((key) => key.startsWith(`${frame.frame}/`));
    const hasLosses = [...this.lossReports].some((key) => key.startsWith(`${where}/`));
    const areNodesGood = nodes.every(({ kind }) => kind === 'good' || kind === 'slow');
    if (areNodesGood && !isPoisoned && !hasLosses) this.broken('an innocent tile does not fail', where);
  }

  private badNodeBegins({ nodeId, slots }: NodePlan, jobId: JobId): void {
    const { nodes, faults, heartbeatLoss, messageTrouble, latencyMsMax } = this.world.plan;
    // As long as it is alone, it is not blocked.
    if ((this.world.coordinator?.nodes.nodes.size ?? 0) < nodes.length) return;
    const { plan, retries } = this.world.jobs.get(jobId)!;
    const begun = (this.begun.get(`${nodeId}/${jobId}`) ?? 0) + 1;
    this.begun.set(`${nodeId}/${jobId}`, begun);
    const isQuiet = faults.length === 0 && heartbeatLoss === 0 && messageTrouble === 0;
    const others = nodes.filter((node) => node.nodeId !== nodeId);
    const areOthersGood = others.length > 0 && others.every(({ kind }) => kind === 'good');
    const killers = [...this.world.jobs.values()].some((job) =>
      [...job.plan.poison.values()].includes('kills'),
    );
    if (!isQuiet || !areOthersGood || killers || retries.count > 0) return;
    // What it has at hand when it is judged, and what it begins until it hears of that.
    const onTheWay = 3 * slots + (slots * 6 * latencyMsMax) / (plan.tileMs * 0.25);
    // Each poison tile may give it back to the job once, when it turns out to fail elsewhere too.
    const perPoison = 2 + onTheWay;
    const max = POLICY.blockAfter + 1 + onTheWay + perPoison * plan.poison.size;
    if (begun > max)
      this.broken('a bad node is blocked', `${nodeId} began ${begun} tiles of ${jobId}, ${max} at most`);
  }
}

function tileKey(jobId: JobId, frame: number, tile: number): string {
  return `${jobId}/${frame}/${tile}`;
}
