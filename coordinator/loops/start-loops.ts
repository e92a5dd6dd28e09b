/** Builds the loops, connects them with one another, and starts them in the order that a restart needs. */
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { FarmError } from '#shared/errors.js';
import { isJobEnded } from '#shared/state/job-state.js';
import type { Admin } from '../admin/admin.js';
import type { Farm, Stitcher } from '../farm.js';
import type { JobView } from '../jobs/job-registry.js';
import { LiveJob } from '../jobs/live-job.js';
import { retryJob } from '../jobs/retry-job.js';
import type { SchedulerView } from '../scheduling/scheduler-view.js';
import { Assembler } from './assemble.js';
import { BlameKeeper } from './blame-keeper.js';
import { Collector } from './collect.js';
import { endJob } from './end-job.js';
import { feeder } from './feed.js';
import { LayoutLearner } from './learn-layouts.js';
import { NodeTroubles } from './node-troubles.js';
import { NodeTable } from './nodes.js';
import { NodesKnown } from './nodes-known.js';
import { openLiveJob, replaceRecord } from './open-on-bus.js';
import { RendererPins } from './pin-jobs.js';
import { reconcileAtStart, reconcileLoop } from './reconcile.js';
import { Recovery } from './recover.js';
import { Scheduler } from './scheduler.js';
import { speculateLoop } from './speculate.js';
import { isStreamLost } from './stream-lost.js';
import { StoreSweeper, type SweepTimes } from './sweep-store.js';
import type { WorkersOf } from './tell-opinions.js';

export interface Loops {
  readonly nodes: NodeTable;
  /** Resolves when the bus agrees with the store, results are taken in, and tiles flow. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** A job that has just been recorded. */
  jobSubmitted(job: LiveJob): void;
  /** Resolves when the job is recorded as cancelled and nothing of it is queued. @throws JOB_ALREADY_FINISHED */
  cancelJob(jobId: string): Promise<JobView>;
  /** See retry-job.ts. @returns the frames that are rendered again. */
  retryJob(jobId: string, frames: string): Promise<readonly number[]>;
  /** Nothing that a node has failed counts any more. Resolves when that is recorded. */
  forgiveNode(nodeId: NodeId): Promise<void>;
  readonly scheduler: SchedulerView;
}

export interface LoopOptions {
  readonly sweepTimes?: SweepTimes | undefined;
  /** A node has left, or is lost. */
  nodeGone?(nodeId: NodeId): void;
}

export function startLoops(
  farm: Farm,
  stitcher: Stitcher,
  admin: Admin,
  { sweepTimes, nodeGone = () => undefined }: LoopOptions = {},
): Loops {
  const nodesKnown = new NodesKnown(farm.signal);
  const areNodesKnown = () => nodesKnown.areKnown;
  const workersOf: WorkersOf = (jobId) =>
    areNodesKnown() ? troubles.without(jobId, scheduler.workersOf(jobId)) : [];
  const isWithoutWorkers = (jobId: JobId) => areNodesKnown() && workersOf(jobId).length === 0;
  const feed = feeder(
    farm,
    { workersOf, isWithoutWorkers },
    {
      mayFeed: (jobId) => scheduler.mayFeed(jobId),
      mayRender: (jobId) => scheduler.mayRender(jobId),
      mayBegin: (job) => learner.mayBegin(job),
      slotsOf: (jobId) => scheduler.slotsOf(jobId),
      get slots() {
        return scheduler.slots;
      },
      tileAvoids: (job, nodeCount) => scheduler.tileAvoids(job, nodeCount),
    },
  );
  const assembler = new Assembler(farm, stitcher, {
    released: (bytes) => collector.released(bytes),
    frameTold: (job, frame) => inBackground(collector.purge(farm.bus.names.resultsOfFrame(job.jobId, frame))),
    frameEnded: (job, frame) => {
      scheduler.frameEnded(job, frame);
      feed.kick();
      endIfDone(job);
    },
  });
  const collector = new Collector(farm, {
    windowMoved: () => feed.kick(),
    frameComplete: (job, frame) => {
      // Before the frame gives its results up.
      learner.frameComplete(job, frame);
      assembler.assemble(job, frame);
    },
    tileFailed: (job, frame, failed) => assembler.fail(job, frame, [failed]),
    leftOver: (job, frame, tile, attempts) => {
      const tiles = attempts.map((attempt) => ({ jobId: job.jobId, frame, tile, ...attempt }));
      void recovery.withdraw(job, tiles);
    },
    workersOf,
    memorySeen: (job, bytes) => scheduler.memorySeen(job, bytes),
    attemptFailed: (job, failure) => {
      blame.attemptFailed(job, failure);
      scheduler.demandMoved(job);
    },
    tileDone: (job, frame, tile) => {
      blame.tileDone(job, frame, tile);
      scheduler.demandMoved(job);
      learner.tileDone(job, frame);
    },
  });
  const learner = new LayoutLearner(farm, {
    slotsOf: (jobId) => scheduler.slotsOf(jobId),
    slotsOfFarm: () => [...nodes.instances.live()].reduce((sum, { heartbeat }) => sum + heartbeat.slots, 0),
    mayGoOn: () => feed.kick(),
  });
  const nodes: NodeTable = new NodeTable(farm, {
    changed: (nodeId) => scheduler.nodeChanged(nodeId),
    heard: (heartbeat) => {
      troubles.heard(heartbeat);
      scheduler.heard(heartbeat);
    },
    gone: (nodeId, how) => {
      troubles.gone(nodeId);
      scheduler.gone(nodeId, how === 'left');
      nodeGone(nodeId);
    },
    checked: (nowMs, listeningSinceMs) => scheduler.checked(nowMs, listeningSinceMs),
    standingOf: (nodeId) => blame.standingOf(nodeId),
    settingsOf: (nodeId) => admin.settings.nodes.get(nodeId),
    isOut: (heartbeat) => scheduler.assigner.isOut(heartbeat),
    lost: (lost) => recovery.lost(lost),
    answerTo: (instance) => recovery.answerTo(instance),
  });
  const recovery = new Recovery(
    farm,
    nodes.instances,
    (nodeId) => scheduler.assigner.assignedTo(nodeId),
    () => feed.kick(),
  );
  const blame: BlameKeeper = new BlameKeeper(farm, {
    nodes: () => nodes.list(),
    troubles: () => {
      const { lacks } = scheduler;
      if (!troubles.areAny) return lacks;
      return (nodeId, jobId) => troubles.isIn(nodeId, jobId) || (lacks?.(nodeId, jobId) ?? false);
    },
    changed: () => scheduler.standingsChanged(nodes.list()),
  });
  const pins: RendererPins = new RendererPins(farm, {
    copyRecord: (job) => replaceRecord(farm, collector, job),
    changed: () => scheduler.pinsChanged(),
    areNodesKnown,
  });
  const scheduler: Scheduler = new Scheduler(farm, admin, {
    findNode: (nodeId) => nodes.find(nodeId),
    needsOf: (jobId) => pins.needsOf(jobId),
    isPinned: (jobId) => pins.isPinned(jobId),
    troubledNodes: (jobId) => troubles.nodesOf(jobId),
    kicked: () => blame.farmChanged(),
    looked: () => pins.look(nodes.list()),
    feed: () => feed.kick(),
    nodesKnown,
  });
  const troubles: NodeTroubles = new NodeTroubles(
    farm,
    (jobId) => scheduler.workersOf(jobId),
    () => {
      blame.farmChanged();
      scheduler.troublesChanged();
    },
  );
  const background = new Set<Promise<void>>();

  /** What the farm does on its own behalf: its failure stops the process, unless the farm is closing. */
  const inBackground = (work: Promise<void>) => {
    const tracked = work
      .catch((error: unknown) => {
        if (!farm.signal.aborted) throw error;
      })
      .finally(() => background.delete(tracked));
    background.add(tracked);
  };

  const endRecorded = (jobId: JobId) => {
    scheduler.jobEnded(jobId);
    learner.jobEnded(jobId);
  };

  const endIfDone = (job: LiveJob) => {
    if (job.isEnding || !job.areAllFramesEnded()) return;
    const event = () => (job.hasFailedFrames() ? 'all_frames_ended' : 'all_frames_finished');
    inBackground(
      farm.jobs.turns.take(job.jobId, async () => {
        // A cancel or a retry may have come first.
        const isOver = farm.jobs.liveJob(job.jobId) !== job || job.isEnding || !job.areAllFramesEnded();
        if (!isOver) await endJob(farm, collector, job, event(), () => endRecorded(job.jobId));
      }),
    );
  };

  const openJob = async (job: LiveJob): Promise<void> => {
    try {
      await openLiveJob(farm, collector, job);
    } catch (error) {
      if (!isStreamLost(error)) throw error;
      farm.log.warn({ jobId: job.jobId, err: error }, 'job waits until the streams are made again');
      return;
    }
    scheduler.jobOpened(job);
    feed.kick();
  };

  return {
    nodes,
    async start() {
      await blame.start();
      nodes.start();
      nodesKnown.start(() => scheduler.assigner.kick());
      await reconcileAtStart(farm, collector);
      await scheduler.start();
      await collector.start();
      for (const job of farm.jobs.liveJobs()) {
        endIfDone(job);
        learner.jobOpened(job);
      }
      feed.start();
      learner.start();
      inBackground(recovery.sweepAfterStart());
      inBackground(recovery.sweepWhatStands());
      const { instances } = nodes;
      inBackground(speculateLoop(farm, { instances, workersOf, feeder: feed, recovery, collector }));
      inBackground(reconcileLoop(farm, { collector, feeder: feed, assigner: scheduler.assigner, instances }));
      inBackground(new StoreSweeper(farm, sweepTimes).run());
    },
    async stop() {
      nodesKnown.stop();
      nodes.stop();
      await scheduler.stop();
      await pins.idle();
      await recovery.idle();
      await collector.stop();
      await assembler.idle();
      await learner.idle();
      await blame.stop();
      await Promise.allSettled([...background]);
    },
    jobSubmitted(job) {
      scheduler.jobKnown(job);
      learner.jobOpened(job);
      // Before the start is through, reconciling opens it.
      inBackground(openJob(job));
    },
    async retryJob(jobId, frames) {
      const purge = (filter: string) => collector.purge(filter);
      const retried = (job: LiveJob) => {
        scheduler.jobKnown(job);
        inBackground(openJob(job));
      };
      return retryJob(farm, { purge, retried }, jobId, frames);
    },
    forgiveNode: (nodeId) => blame.forgive(nodeId),
    scheduler: scheduler.view,
    async cancelJob(jobId) {
      const job = farm.jobs.get(jobId);
      if (job instanceof LiveJob && !job.isEnding)
        await farm.jobs.turns.take(job.jobId, async () => {
          const live = farm.jobs.liveJob(jobId);
          if (live) await endJob(farm, collector, live, 'cancel_requested', () => endRecorded(live.jobId));
        });
      const view = farm.jobs.view(jobId);
      if (view.state === 'cancelled') return view;
      throw new FarmError(
        'JOB_ALREADY_FINISHED',
        `job ${view.record.jobId} ${isJobEnded(view.state) ? `is ${view.state}` : 'is ending'} and cannot be cancelled`,
        { jobId: view.record.jobId },
      );
    },
  };
}
