/**
 * Compares what should be with what the bus holds, and mends the difference: once at start (the store is the truth, the
 * bus may have lost or kept anything), and every few seconds while jobs run. Whatever was mended is told.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { retryCall } from '#shared/bus/retry-call.js';
import type { JobId } from '#shared/domain/ids.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';
import type { Instances } from '../recovery/instances.js';
import type { Assigner } from './assign.js';
import { findBusDamage, restoreBus } from './bus-damage.js';
import type { Collector } from './collect.js';
import { dropDamagedStreams } from './damaged-streams.js';
import { tellEndUnlessTold } from './end-job.js';
import type { Feeder } from './feed.js';
import { endedFramesOnBus, jobsOnBus, jobsWithStrayTiles, purgeFrames } from './jobs-on-bus.js';
import { clearUnlessLive, mendJobOnBus } from './open-on-bus.js';
import { queueMissing } from './queue-missing.js';
import { StrayPurges } from './stray-purges.js';
import { isStreamLost } from './stream-lost.js';
import { tellFrameEnd } from './tell-frame-end.js';

const EVERY_MS = 5_000;

/** At start, before anything is collected or fed. */
export async function reconcileAtStart(farm: Farm, collector: Collector): Promise<void> {
  const { jobs, log } = farm;
  let [jobsCleared, jobsMended, framesPurged] = [0, 0, 0];
  const tellingGoesBack = await checkTold(farm);
  for (const jobId of await jobsOnBus(farm)) {
    if (jobs.liveJob(jobId)) continue;
    log.info({ jobId }, 'job is not running; its tiles and results are purged');
    await tellEndUnlessTold(farm, jobId);
    await clearUnlessLive(farm, collector, jobId);
    jobsCleared++;
  }
  for (const job of jobs.liveJobs()) {
    if (await mendJobOnBus(farm, job)) jobsMended++;
    if (job.isEnding) await clearUnlessLive(farm, collector, job.jobId);
    const ended = await endedFramesOnBus(farm, job);
    await tellFrameEnds(farm, job, ended);
    await purgeFrames(farm, collector, job, ended);
    framesPurged += ended.length;
  }
  if (jobsCleared + jobsMended + framesPurged > 0 || tellingGoesBack)
    log.info({ jobsCleared, jobsMended, framesPurged, tellingGoesBack }, 'reconciled');
}

/** An earlier run may have recorded the end of these frames and been killed before it told it. */
async function tellFrameEnds(farm: Farm, job: LiveJob, frames: readonly number[]): Promise<void> {
  for (const frame of frames) {
    const record = await farm.store.jobs.readFrame(job.jobId, frame);
    if (record) await tellFrameEnd(farm, job, record);
  }
}

/** Events may say that more results were told of than the stream ever had: it has been made anew since. */
async function checkTold({ bus, signal, events, jobs }: Farm): Promise<boolean> {
  const { state } = await retryCall(
    'look at the results stream',
    () => bus.jsm.streams.info(bus.names.resultsStream),
    signal,
  );
  const goesBack = jobs.liveJobs().some(({ jobId }) => events.toldUpTo(jobId) > state.last_seq);
  if (goesBack) events.streamsLost(state.last_seq);
  return goesBack;
}

export interface ReconcileParts {
  readonly collector: Collector;
  readonly feeder: Feeder;
  readonly assigner: Assigner;
  readonly instances: Instances;
}

/** Looks again and again, and mends. Resolves when the farm closes. */
export async function reconcileLoop(farm: Farm, parts: ReconcileParts): Promise<void> {
  const { collector, feeder, assigner, instances } = parts;
  const strays = new StrayPurges({
    signal: farm.signal,
    log: farm.log,
    clear: (jobId) => clearUnlessLive(farm, collector, jobId),
    // Results that came late are told of once only.
    failed: (jobId) => collector.strays.add(jobId),
  });
  while (!farm.signal.aborted) {
    await delay(EVERY_MS, undefined, { signal: farm.signal }).catch(() => undefined);
    if (farm.signal.aborted) break;
    await tried(farm, async () => {
      await dropDamagedStreams(farm);
      const damage = await findBusDamage(farm, collector);
      if (damage) await restoreBus(farm, collector, damage);
      strays.start(await findStrays(farm, collector));
      if ((await assigner.isOverwritten()) || damage) assigner.writeAll();
    });
    let isAnswered = true;
    for (const job of farm.jobs.liveJobs()) {
      await tried(farm, async () => {
        await mendJobOnBus(farm, job);
        // Its end clears the bus once, and what came behind that is cleared here.
        if (job.isEnding) strays.start([job.jobId]);
        isAnswered = await queueMissing(farm, job, collector, instances);
      });
      // A stream may have gone away in the midst of it, and is made again at the beginning of a round.
      if (!isAnswered) break;
    }
    feeder.kick();
  }
  await strays.idle();
}

/** What goes wrong with one job keeps no other from being looked at. */
async function tried(farm: Farm, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (err) {
    if (farm.signal.aborted) return;
    if (isStreamLost(err)) farm.log.warn({ err }, 'a stream went away while it was reconciled');
    else farm.log.warn({ err }, 'reconciling was interrupted; trying again');
  }
}

/** Results that an agent published after its job had ended, and tiles that somebody else did. */
async function findStrays(farm: Farm, collector: Collector): Promise<readonly JobId[]> {
  const late = [...collector.strays];
  collector.strays.clear();
  const all = new Set([...late, ...(await jobsWithStrayTiles(farm))]);
  return [...all].filter((jobId) => !farm.jobs.liveJob(jobId));
}
