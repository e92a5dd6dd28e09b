/** What jobs tell of themselves when a chaos run is over: no fault of the farm may be blamed on a tile. */
import { watchJob } from '#cli/render/watch-job.js';
import { type CoordinatorClient, call } from '#shared/wire/coordinator-client.js';
import type { Job__Output } from '#shared/wire/generated/guian/v1/Job.js';
import type { SubmittedJob } from './workload.js';

export interface ToldByEvents {
  readonly violations: readonly string[];
  /** `job/frame/tile` of which a second copy was queued on purpose. */
  readonly speculated: ReadonlySet<string>;
  readonly retriedJobs: ReadonlySet<string>;
  /** How many events of each kind all jobs had. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Nothing in a job without faulty tiles may ever have failed. */
const NEVER = new Set(['attempt_failed', 'tile_failed', 'frame_failed', 'result_rejected']);
const NEVER_AT_ALL = new Set(['result_rejected', 'node_quarantined']);

export async function auditEvents(
  client: CoordinatorClient,
  jobs: readonly SubmittedJob[],
  signal: AbortSignal,
): Promise<ToldByEvents> {
  const violations: string[] = [];
  const speculated = new Set<string>();
  const retriedJobs = new Set<string>();
  const counts: Record<string, number> = {};
  for (const job of jobs) {
    const wrong = (what: string) => violations.push(`job ${job.jobId} (${job.kind}): ${what}`);
    const kinds: string[] = [];
    for await (const event of watchJob(client, job.jobId, signal, { keptOnly: true })) {
      const { kind, frame, tile, nodeId, message } = event;
      kinds.push(kind);
      counts[kind] = (counts[kind] ?? 0) + 1;
      if (kind === 'speculated') speculated.add(`${job.jobId}/${frame}/${tile}`);
      if (kind === 'retried') retriedJobs.add(job.jobId);
      // Its first tile is at fault, and no other.
      const isMeant = job.kind === 'flaky' && !NEVER_AT_ALL.has(kind) && (tile === undefined || tile === 0);
      if ((NEVER.has(kind) || NEVER_AT_ALL.has(kind)) && !isMeant)
        wrong(`${kind} of frame ${frame} tile ${tile} on ${nodeId}: ${message}`);
    }
    const submits = kinds.filter((kind) => kind === 'submitted').length;
    if (submits !== 1) wrong(`its events tell ${submits} times that it was submitted`);
    if (!kinds.some((kind) => kind === 'finished' || kind === 'cancelled'))
      wrong('its events do not tell its end');
    const { progress } = await call<Job__Output>(client, (options, done) =>
      client.jobs.get({ jobId: job.jobId }, options, done),
    );
    if (job.kind !== 'flaky' && Number(progress?.attemptsFailed ?? 0) > 0)
      wrong(`${progress?.attemptsFailed} attempts count as failed`);
  }
  return { violations, speculated, retriedJobs, counts };
}
