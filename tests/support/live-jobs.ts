/** Jobs in memory for tests of what the coordinator decides: their record is well-formed, and no store or bus has it. */
import type { PlacedResult } from '#coordinator/jobs/live-frame.js';
import { LiveJob } from '#coordinator/jobs/live-job.js';
import type { Layout } from '#coordinator/planning/layout.js';
import { type Digest, type NodeId, newIdempotencyKey, newJobId, newPlanId } from '#shared/domain/ids.js';
import { type JobRecord, jobRecordSchema, renderSettingsSchema } from '#shared/domain/job.js';
import type { JobSchedule } from '#shared/domain/schedule.js';

export interface TestJob
  extends Partial<Pick<JobRecord, 'maxAttempts' | 'verify' | 'createdAtMs' | 'manifest'>> {
  readonly schedule?: Partial<JobSchedule>;
  readonly frames?: readonly number[];
  readonly widthPx?: number;
  readonly heightPx?: number;
  readonly tilePx?: number;
}

/** One frame of one tile of 16 px, unless it is asked for more. */
export function testRecord(wanted: TestJob = {}): JobRecord {
  const { frames = [1], widthPx = 16, heightPx = 16, tilePx = 16, ...rest } = wanted;
  return jobRecordSchema.parse({
    ...{ jobId: newJobId('test'), name: 'test', studio: 'default', idempotencyKey: newIdempotencyKey() },
    ...{ requestDigest: 'ab'.repeat(32), maxAttempts: 4, warnings: [], createdAtMs: 1 },
    manifest: { entry: 's', files: [{ path: 's', digest: 'cd'.repeat(32), sizeBytes: 1 }] },
    frames,
    settings: renderSettingsSchema.parse({ widthPx, heightPx }),
    plan: { planId: newPlanId(), tileWidthPx: tilePx, tileHeightPx: tilePx },
    tile: String(tilePx),
    ...rest,
  });
}

export const testJob = (wanted: TestJob = {}): LiveJob => new LiveJob(testRecord(wanted));

/** A row of so many tiles. */
export const testLayout = (tiles: number): Layout => testJob({ widthPx: 16 * tiles }).grid;

export const RIGHT_DIGEST = 'aa'.repeat(32);

/** A result that has come in whole, in memory no longer. */
export function testResult(nodeId: NodeId, attempt: number, digest: string = RIGHT_DIGEST): PlacedResult {
  return {
    ...{ digest: digest as Digest, nodeId, attempt, renderer: 'x', sequences: [attempt], sizeBytes: 1 },
    ...{ coreSeconds: 1, renderMs: 100 * attempt, bytes: undefined },
  };
}
