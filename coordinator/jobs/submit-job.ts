/**
 * From a request to a running job: idempotent by key, refused before anything is written when something is wrong with
 * it, and answered only when its record is on disk.
 */
import { createHash } from 'node:crypto';
import { encodeRecordCopy } from '#shared/bus/job-record-copy.js';
import { parseFrameRange } from '#shared/domain/frame-range.js';
import { digestSchema, type IdempotencyKey, newJobId, newPlanId } from '#shared/domain/ids.js';
import { type JobRecord, jobRecordSchema } from '#shared/domain/job.js';
import type { PackageManifest } from '#shared/domain/scene-package.js';
import { FarmError } from '#shared/errors.js';
import { DEFAULTS, LIMITS } from '#shared/limits.js';
import type { Farm } from '../farm.js';
import type { JudgeRequest, SceneJudgement } from '../judging/judge-scene.js';
import { tileSize } from '../planning/tile-size.js';
import { type JobDraft, parseSettings } from './job-draft.js';
import { LiveJob } from './live-job.js';
import { tellSubmitted } from './resume-events.js';

/** What nats-server has by default, and room for a message's own headers. */
const MAX_PAYLOAD = 1024 * 1024;
const HEADER_BYTES = 1024;

/** The part of `judging/scene-judge.ts` that a submit needs. */
export interface Judge {
  /** @throws SCENE_INVALID, SCENE_UNSUPPORTED, SCENE_FILE_MISSING, SCENE_PATH_ESCAPES with one line that says what is wrong. */
  judge(request: JudgeRequest): Promise<SceneJudgement>;
}

export interface Submitted {
  readonly record: JobRecord;
  readonly existed: boolean;
}

export interface SubmitHooks {
  readonly judge: Judge;
  /** Slots of the farm now. */
  readySlots(): number;
  /** The job is recorded and known: open it on the bus, assign, feed. */
  submitted(job: LiveJob): void;
}

export class JobSubmitter {
  private readonly farm: Farm;
  private readonly hooks: SubmitHooks;
  /** Submits under way by key, so that two with the same key give one job. */
  private readonly underWay = new Map<
    IdempotencyKey,
    { requestDigest: string; result: Promise<JobRecord> }
  >();

  constructor(farm: Farm, hooks: SubmitHooks) {
    this.farm = farm;
    this.hooks = hooks;
  }

  /**
   * @param request the request as it came, for telling a repeated one from another with the same key.
   * @throws JOB_SPEC_INVALID, IDEMPOTENCY_KEY_REUSED, BLOBS_MISSING, SCENE_…, DISK_FULL.
   */
  async submit(key: IdempotencyKey, draft: JobDraft, request: unknown): Promise<Submitted> {
    const requestDigest = createHash('sha256').update(JSON.stringify(request)).digest('hex');
    const known = this.farm.jobs.byKey(key) ?? this.underWay.get(key);
    if (known) {
      if (known.requestDigest !== requestDigest)
        throw new FarmError(
          'IDEMPOTENCY_KEY_REUSED',
          `idempotency_key "${key}" was used for another request; take a new key for a new job`,
          { key },
        );
      return { record: 'result' in known ? await known.result : known, existed: true };
    }
    const result = this.create(key, draft, requestDigest);
    this.underWay.set(key, { requestDigest, result });
    try {
      return { record: await result, existed: false };
    } finally {
      this.underWay.delete(key);
    }
  }

  private async create(key: IdempotencyKey, draft: JobDraft, requestDigest: string): Promise<JobRecord> {
    // What needs no scene is checked before one is read.
    parseSettings(draft.settings, {});
    if (draft.frames) parseFrameRange(draft.frames);
    await this.assertBlobs(draft.manifest);
    const judged = await this.judge(draft);
    const settings = parseSettings(draft.settings, judged.defaults);
    const size = tileSize(draft.tile, { ...settings, slots: this.hooks.readySlots() });
    const name = draft.name || nameOfScene(draft.manifest.entry);
    const record = jobRecordSchema.parse({
      jobId: newJobId(name),
      name,
      studio: draft.studio,
      idempotencyKey: key,
      requestDigest: digestSchema.parse(requestDigest),
      manifest: draft.manifest,
      frames: [...parseFrameRange(draft.frames || judged.defaults.frames || '0')],
      settings,
      plan: { planId: newPlanId(), ...size },
      tile: draft.tile,
      maxAttempts: draft.maxAttempts || DEFAULTS.maxAttempts,
      verify: draft.verify,
      tileTimeLimitMs: draft.tileTimeLimitMs,
      warnings: [...judged.warnings],
      createdAtMs: this.farm.clock.nowMs(),
    });
    this.assertFitsBus(record);
    await this.farm.store.jobs.create(record);
    const job = new LiveJob(record);
    this.farm.jobs.addLive(job);
    this.farm.log.info(
      { jobId: record.jobId, frames: record.frames.length, tiles: job.grid.count * record.frames.length },
      'job submitted',
    );
    tellSubmitted(this.farm, job);
    this.hooks.submitted(job);
    return record;
  }

  /** Agents get the record through the bus, whose messages have a largest size. */
  private assertFitsBus(record: JobRecord): void {
    const bytesMax = (this.farm.bus.connection.info?.max_payload ?? MAX_PAYLOAD) - HEADER_BYTES;
    const { byteLength } = encodeRecordCopy(record);
    if (byteLength > bytesMax)
      throw new FarmError(
        'JOB_SPEC_INVALID',
        `spec: its ${record.manifest.files.length} files and ${record.frames.length} frames make a record of ${byteLength} bytes, and the bus takes ${bytesMax}; shorten paths, split the frames, or raise max_payload of the NATS server`,
      );
  }

  private async judge(
    draft: JobDraft,
  ): Promise<{ warnings: readonly string[]; defaults: Partial<SceneJudgement['defaults']> }> {
    // A synthetic scene is its settings: whatever package comes with it is carried, not looked at.
    if (draft.settings.renderer === 'synthetic') return { warnings: [], defaults: {} };
    const { camera, scene, animation, environment, fps } = draft.settings;
    const files = draft.manifest.files.map((file) => [file.path, this.farm.store.blobs.pathOf(file.digest)]);
    return await this.hooks.judge.judge({
      entry: draft.manifest.entry,
      files: Object.fromEntries(files) as Record<string, string>,
      wanted: {
        camera,
        scene,
        animation,
        fps,
        environmentPath: environment?.kind === 'file' ? environment.path : undefined,
      },
    });
  }

  private async assertBlobs(manifest: PackageManifest): Promise<void> {
    const missing: string[] = [];
    let totalBytes = 0;
    for (const file of manifest.files) {
      totalBytes += file.sizeBytes;
      const heldBytes = await this.farm.store.blobs.sizeOf(file.digest);
      if (heldBytes === undefined) missing.push(file.path);
      else if (heldBytes !== file.sizeBytes)
        throw new FarmError(
          'JOB_SPEC_INVALID',
          `spec.manifest.files: "${file.path}" is listed with ${file.sizeBytes} bytes, but its digest belongs to a file of ${heldBytes} bytes`,
        );
    }
    if (totalBytes > LIMITS.packageBytesMax)
      throw new FarmError(
        'JOB_SPEC_INVALID',
        `spec.manifest: the package has ${totalBytes} bytes; at most ${LIMITS.packageBytesMax} are taken`,
      );
    if (missing.length > 0)
      throw new FarmError(
        'BLOBS_MISSING',
        `${missing.length} of ${manifest.files.length} files of the package are not in the store (first: "${missing[0]}"); upload them, then submit again`,
        { missing: missing.length },
      );
  }
}

function nameOfScene(entry: string): string {
  const file = entry.slice(entry.lastIndexOf('/') + 1);
  return (file.replace(/\.[^.]*$/, '') || file).slice(0, LIMITS.nameCharsMax);
}
