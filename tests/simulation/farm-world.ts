/**
 * What lies between the coordinator and the agents, and outlives both: the queue, the results, the store, the
 * assignments, time and chance. And the trace: what happened last, for whoever has to explain a failure.
 */

import type { NodesRecord } from '#coordinator/adapters/store/node-store.js';
import { NO_RETRIES, type RetriesRecord } from '#coordinator/adapters/store/records.js';
import type { Assignment } from '#shared/bus/messages.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import type { FarmAudit } from './farm-audit.js';
import type { FarmPlan, JobPlan, NodePlan } from './farm-plan.js';
import { Random } from './random.js';
import { ResultLog } from './result-log.js';
import { SimAgent } from './sim-agent.js';
import type { SimCoordinator } from './sim-coordinator.js';
import { TileQueue } from './tile-queue.js';
import { VirtualTime } from './virtual-time.js';

/** Of a frame that has ended, as the store keeps it. */
export interface StoredFrame {
  readonly frame: number;
  readonly state: 'finished' | 'failed';
  readonly tilesDone: number;
  readonly tilesFailed: number;
  readonly coreSeconds: number;
  readonly attemptsUsed: number;
  readonly retry: number;
}

export interface StoredJob {
  readonly plan: JobPlan;
  readonly frames: Map<number, StoredFrame>;
  retries: RetriesRecord;
  /** How it ended, and after which retry. */
  ended: { readonly state: 'finished' | 'finished_with_failures'; readonly retry: number } | undefined;
  /** Somebody looks whether its failed frames are to be asked for again. */
  isRetryDue: boolean;
}

/** Chances of a message that meets trouble. */
const SLOW_MS_MAX = 4_000;

export class FarmWorld {
  readonly plan: FarmPlan;
  readonly time = new VirtualTime();
  readonly random: Random;
  readonly queue = new TileQueue(this.time);
  readonly results = new ResultLog();
  readonly jobs = new Map<JobId, StoredJob>();
  nodesRecord: NodesRecord | undefined;
  readonly assignments = new Map<NodeId, Assignment>();
  readonly agents = new Map<NodeId, SimAgent>();
  coordinator: SimCoordinator | undefined;
  readonly audit: FarmAudit;
  /** What has happened, oldest first; only where somebody wants to read it. */
  readonly trace: string[] = [];
  private readonly isTraced: boolean;
  private instances = 0;

  constructor(plan: FarmPlan, audit: (world: FarmWorld) => FarmAudit, isTraced: boolean) {
    this.plan = plan;
    this.isTraced = isTraced;
    this.random = new Random(plan.seed + 0.5 * 2 ** 33);
    this.audit = audit(this);
    this.results.onAppend = () => this.coordinator?.resultsCame();
  }

  get isCalm(): boolean {
    return this.time.nowMs >= this.plan.calmAtMs;
  }

  newInstanceId(nodeId: NodeId): string {
    return `${nodeId}#${++this.instances}`;
  }

  startAgent(node: NodePlan): void {
    if (this.agents.get(node.nodeId)?.isAlive) return;
    const agent = new SimAgent(this, node);
    this.note(() => `${agent.instanceId} starts`);
    this.agents.set(node.nodeId, agent);
  }

  /** SIGKILL; its supervisor starts another. */
  kill(agent: SimAgent, downMs: number): void {
    agent.kill();
    this.audit.agentDied(agent);
    this.restart(agent, downMs);
  }

  /** Again and again, until the old one has left. */
  restart(agent: SimAgent, downMs: number): void {
    this.time.after(downMs, () => {
      if (agent.isAlive) this.restart(agent, downMs);
      else this.startAgent(agent.node);
    });
  }

  storeJob(plan: JobPlan): void {
    this.jobs.set(plan.record.jobId, {
      plan,
      frames: new Map(),
      retries: NO_RETRIES,
      ended: undefined,
      isRetryDue: true,
    });
  }

  hasEnded({ ended, retries }: StoredJob): boolean {
    return ended !== undefined && ended.retry === retries.count;
  }

  /** How long a message takes now: each its own time, so that they overtake one another. */
  latencyMs(): number {
    const { random, plan } = this;
    const usual = random.between(0.5, plan.latencyMsMax);
    return this.meetsTrouble() ? usual + random.between(0, SLOW_MS_MAX) : usual;
  }

  meetsTrouble(): boolean {
    return !this.isCalm && this.plan.messageTrouble > 0 && this.random.chance(this.plan.messageTrouble);
  }

  note(text: () => string): void {
    if (this.isTraced) this.trace.push(`${(this.time.nowMs / 1000).toFixed(3).padStart(9)} s  ${text()}`);
  }
}
