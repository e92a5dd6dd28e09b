/**
 * From a request to a running job: idempotent by key, refused before anything is written when something is wrong with
 * it, and answered only when its record is on disk.
 */
import { createHash } from 'node:crypto';
import { encodeRecordCopy } from '#shared/bus/job-record-copy.js';
import { parseFrameRange } from '#shared/domain/frame-range.js';
import { digestSchema, type IdempotencyKey, type JobId, newJobId, newPlanId } from '#shared/domain/ids.js';
import { type JobRecord, jobRecordSchema, type RenderSettings } from '#shared/domain/job.js';
import { deviceOf } from '#shared/domain/render-device.js';
import { FarmError } from '#shared/errors.js';
import { DEFAULTS, LIMITS } from '#shared/limits.js';
import type { Farm } from '../farm.js';
import type { SceneInspector } from '../judging/inspect-on-node.js';
import type { JudgeRequest, SceneJudgement } from '../judging/judge-scene.js';
import { readInspection } from '../judging/read-inspection.js';
import type { SceneDefaults } from '../judging/scene-defaults.js';
import { tileSize } from '../planning/tile-size.js';
import {
  commonVersion,
  type RendererNode,
  rendererKey,
  rendererSet,
} from '../scheduling/renderer-versions.js';
import { assertBlobs } from './assert-blobs.js';
import { type JobDraft, parseSettings } from './job-draft.js';
import { LiveJob } from './live-job.js';
import { previewKey, previewOf, withPreview } from './preview-job.js';
import { tellSubmitted } from './resume-events.js';
import { assertMayRunScripts, type ScriptPolicy } from './script-policy.js';

/** What nats-server has by default, and room for a message's own headers. */
const MAX_PAYLOAD = 1024 * 1024;
const HEADER_BYTES = 1024;
const THREADS_WARNING =
  'with more than one thread per slot equal pixels on all nodes are not promised (threads_per_slot)';

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
  readonly inspector: Pick<SceneInspector, 'inspect'>;
  readonly scriptPolicy: ScriptPolicy;
  /** Nodes that may take work now. */
  readyNodes(): readonly RendererNode[];
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
   * @throws JOB_SPEC_INVALID, IDEMPOTENCY_KEY_REUSED, BLOBS_MISSING, SCENE_…, RENDERER_MISSING, DISK_FULL.
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
    const result = this.create(key, draft, request, requestDigest);
    this.underWay.set(key, { requestDigest, result });
    try {
      return { record: await result, existed: false };
    } finally {
      this.underWay.delete(key);
    }
  }

  private async create(
    key: IdempotencyKey,
    draft: JobDraft,
    request: unknown,
    requestDigest: string,
  ): Promise<JobRecord> {
    // What needs no scene is checked before one is read.
    this.assertKnown(draft.schedule.after);
    const asked = parseSettings(draft.settings, {});
    assertComparable(draft.verify, asked);
    assertDevice(draft.rendererVersion, asked);
    if (draft.frames) parseFrameRange(draft.frames);
    assertMayRunScripts(this.hooks.scriptPolicy, draft.studio, draft.settings.allowScripts ?? false);
    await assertBlobs(this.farm.store.blobs, draft.manifest, 'spec.manifest');
    // The one that reads the scene is the one that renders it.
    const { renderer } = draft.settings;
    const rendererVersion =
      draft.rendererVersion ?? commonVersion(renderer, this.hooks.readyNodes(), asked.device);
    const judged = await this.judge(draft, rendererVersion);
    const settings = parseSettings(draft.settings, judged.defaults);
    const slots = slotsFor(this.hooks.readyNodes(), renderer, rendererVersion);
    const frames = [...parseFrameRange(draft.frames || judged.defaults.frames || '0')];
    const tile = draft.tile === 'auto' ? (judged.defaults.tile ?? 'auto') : draft.tile;
    const size = tileSize(tile, { ...settings, slots, frames: frames.length });
    const name = draft.name || nameOfScene(draft.manifest.entry);
    let record = jobRecordSchema.parse({
      jobId: newJobId(name),
      name,
      studio: draft.studio,
      idempotencyKey: key,
      requestDigest: digestSchema.parse(requestDigest),
      manifest: draft.manifest,
      frames,
      settings,
      ...(rendererVersion !== undefined && { rendererVersion }),
      plan: { planId: newPlanId(), ...size },
      tile,
      maxAttempts: draft.maxAttempts || DEFAULTS.maxAttempts,
      verify: draft.verify,
      tileTimeLimitMs: draft.tileTimeLimitMs,
      schedule: draft.schedule,
      warnings: [...judged.warnings, ...(settings.threadsPerSlot > 1 ? [THREADS_WARNING] : [])],
      createdAtMs: this.farm.clock.nowMs(),
    });
    this.assertFitsBus(record);
    if (draft.previewSamples > 0) {
      const preview = await this.submit(previewKey(key), previewOf(draft, name), request);
      record = withPreview(record, preview.record.jobId);
    }
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

  /** So nobody can wait for a job that waits for him: who is waited for was there before. @throws JOB_SPEC_INVALID */
  private assertKnown(after: readonly JobId[]): void {
    const unknown = after.find((jobId) => !this.farm.jobs.has(jobId));
    if (unknown === undefined) return;
    throw new FarmError(
      'JOB_SPEC_INVALID',
      `spec.schedule.after: there is no job "${unknown}"; "guian jobs" lists them`,
      { field: 'spec.schedule.after' },
    );
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

  private async judge(draft: JobDraft, rendererVersion: string | undefined): Promise<Judged> {
    switch (draft.settings.renderer) {
      case 'gltf':
        return await this.judgeGltf(draft);
      // A synthetic scene is its settings: whatever package comes with it is carried, not looked at.
      case 'synthetic':
        return { warnings: [], defaults: {} };
      default:
        return isInspected(draft)
          ? { warnings: [], defaults: {} }
          : await this.inspect(draft, rendererVersion);
    }
  }

  private async inspect(draft: JobDraft, rendererVersion: string | undefined): Promise<Judged> {
    const { settings, manifest } = draft;
    const { renderer, allowScripts = false, sourceRoot } = settings;
    const inspection = await this.hooks.inspector.inspect({
      ...{ manifest, renderer, allowScripts },
      ...(rendererVersion !== undefined && { rendererVersion }),
      ...(sourceRoot !== undefined && { sourceRoot }),
    });
    return readInspection(inspection, { ...settings, entry: manifest.entry });
  }

  private async judgeGltf(draft: JobDraft): Promise<Judged> {
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
}

/** What a scene says of itself. */
interface Judged {
  readonly warnings: readonly string[];
  readonly defaults: Partial<SceneDefaults>;
}

/** Whoever gives all of these has looked into the scene. */
function isInspected({ frames, settings }: JobDraft): boolean {
  const { widthPx, heightPx, samples } = settings;
  return frames !== '' && widthPx !== undefined && heightPx !== undefined && samples !== undefined;
}

/** Slots that can render the job; all of them while none can. */
function slotsFor(nodes: readonly RendererNode[], renderer: string, version: string | undefined): number {
  const key = version === undefined ? undefined : rendererKey(renderer, version);
  const able = nodes.filter(({ renderers }) => key !== undefined && rendererSet(renderers).keys.has(key));
  return (able.length > 0 ? able : nodes).reduce((sum, { slots }) => sum + slots, 0);
}

/** Nodes are compared bit for bit. @throws JOB_SPEC_INVALID */
function assertComparable(verify: number, { threadsPerSlot }: RenderSettings): void {
  if (verify === 0 || threadsPerSlot === 1) return;
  throw new FarmError(
    'JOB_SPEC_INVALID',
    `spec.verify is ${verify}, and spec.settings.threads_per_slot ${threadsPerSlot}: with more than one thread healthy nodes differ in some pixels; leave one of the two out`,
    { field: 'spec.verify' },
  );
}

/** A pin names its device too. @throws JOB_SPEC_INVALID */
function assertDevice(rendererVersion: string | undefined, { device }: RenderSettings): void {
  if (rendererVersion === undefined || deviceOf(rendererVersion) === device) return;
  throw new FarmError(
    'JOB_SPEC_INVALID',
    `spec.renderer_version "${rendererVersion}" computes on a ${deviceOf(rendererVersion).toUpperCase()}, and spec.settings.device is ${device}: make them agree, or leave the version out`,
    { field: 'spec.renderer_version' },
  );
}

function nameOfScene(entry: string): string {
  const file = entry.slice(entry.lastIndexOf('/') + 1);
  return (file.replace(/\.[^.]*$/, '') || file).slice(0, LIMITS.nameCharsMax);
}
