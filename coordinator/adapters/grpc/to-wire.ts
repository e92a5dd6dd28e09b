/** Domain values → wire messages. Errors become statuses in shared/wire/status.ts. */
import type { EventMessage } from '#shared/bus/messages.js';
import { formatFrameRange } from '#shared/domain/frame-range.js';
import type { JobRecord, RenderSettings } from '#shared/domain/job.js';
import type { SceneInspection } from '#shared/domain/scene-inspection.js';
import type { FrameRecord } from '#shared/wire/generated/guian/v1/FrameRecord.js';
import type { Job } from '#shared/wire/generated/guian/v1/Job.js';
import type { JobEvent } from '#shared/wire/generated/guian/v1/JobEvent.js';
import type { JobSpec } from '#shared/wire/generated/guian/v1/JobSpec.js';
import type { Node } from '#shared/wire/generated/guian/v1/Node.js';
import type { RenderSettings as WireSettings } from '#shared/wire/generated/guian/v1/RenderSettings.js';
import type { SceneInspection as WireInspection } from '#shared/wire/generated/guian/v1/SceneInspection.js';
import type { Wait as WireWait } from '#shared/wire/generated/guian/v1/Wait.js';
import type { EffectiveJob, EffectiveNode } from '../../admin/effective.js';
import { finishedTiles } from '../../jobs/finished-tiles.js';
import type { JobView } from '../../jobs/job-registry.js';
import type { KnownNode } from '../../loops/nodes.js';
import type { NodeSlots, Wait } from '../../scheduling/scheduler-view.js';
import type { FrameResult } from '../store/records.js';
import { toWireSchedule } from './to-schedule.js';

/** What is in force for a job at this moment. */
export interface JobNow {
  readonly effective: EffectiveJob;
  readonly slots: number;
  /** What keeps it from running; absent: nothing, or it has ended. */
  readonly wait?: Wait | undefined;
}

export function toWireJob(view: JobView, { effective, slots, wait }: JobNow): Job {
  const { record } = view;
  return {
    jobId: record.jobId,
    spec: toWireSpec(record),
    state: view.state,
    createdAtMs: record.createdAtMs,
    finishedAtMs: view.finishedAtMs,
    progress: { ...view.progress },
    warnings: view.waitsFor === undefined ? [...record.warnings] : [view.waitsFor, ...record.warnings],
    tileWidthPx: record.plan.tileWidthPx,
    tileHeightPx: record.plan.tileHeightPx,
    tilesPerFrame: view.tilesPerFrame,
    planId: record.plan.planId,
    slots,
    priority: effective.priority,
    paused: effective.isPaused,
    pool: effective.pool ?? '',
    waitsFor: wait?.message ?? '',
  };
}

function toWireSpec(record: JobRecord): JobSpec {
  return {
    name: record.name,
    studio: record.studio,
    manifest: { entry: record.manifest.entry, files: record.manifest.files.map((file) => ({ ...file })) },
    frames: formatFrameRange(record.frames),
    tile: record.tile,
    settings: toWireSettings(record.settings),
    maxAttempts: record.maxAttempts,
    verify: record.verify,
    tileTimeLimitMs: record.tileTimeLimitMs,
    rendererVersion: record.rendererVersion ?? '',
    schedule: toWireSchedule(record.schedule),
  };
}

function toWireSettings(settings: RenderSettings): WireSettings {
  const { environment, syntheticCostMs, layers, formats, exposureEv, ...rest } = settings;
  return {
    ...rest,
    camera: settings.camera ?? '',
    scene: settings.scene ?? '',
    animation: settings.animation ?? '',
    viewLayer: settings.viewLayer ?? '',
    sourceRoot: settings.sourceRoot ?? '',
    environment: { kind: environment.kind, path: environment.kind === 'file' ? environment.path : '' },
    exposureEv,
    layers: [...layers],
    formats: [...formats],
    synthetic: { costMsPerTile: syntheticCostMs },
  };
}

export function toWireEvent(event: EventMessage, sequence: number): JobEvent {
  return {
    sequence,
    atMs: Math.round(event.atMs),
    jobId: event.jobId,
    kind: event.kind,
    state: event.state,
    message: event.message,
    nodeId: event.nodeId ?? '',
    ...(event.frame === undefined ? {} : { frame: event.frame }),
    ...(event.tile === undefined ? {} : { tile: event.tile }),
    ...(event.attempt === undefined ? {} : { attempt: event.attempt }),
  };
}

/** @param withTiles whether to say who rendered each tile: a message of 65,536 tiles is some megabytes. */
export function toWireFrame(frame: FrameResult, withTiles = false): FrameRecord {
  return {
    frame: frame.frame,
    state: frame.state,
    tilesTotal: frame.tilesTotal,
    tilesDone: frame.tilesDone,
    files: frame.state === 'finished' ? frame.files.map((file) => ({ ...file })) : [],
    coreSeconds: frame.coreSeconds,
    finishedAtMs: Math.round(frame.finishedAtMs),
    nodeIds: [...frame.nodeIds],
    reason: frame.state === 'failed' ? frame.reason : '',
    failedTiles:
      frame.state === 'failed'
        ? frame.failedTiles.map(({ tile, attempts }) => ({
            tile,
            attempts: attempts.map((attempt) => ({ ...attempt, atMs: Math.round(attempt.atMs) })),
          }))
        : [],
    finishedTiles: withTiles
      ? finishedTiles(frame.tiles).map((tile) => ({ ...tile, agreedNodeId: tile.agreedNodeId ?? '' }))
      : [],
  };
}

export function toWireInspection(inspection: SceneInspection): WireInspection {
  const { cameras, scenes, viewLayers, layers, files, notices, scripts, problems, problemCodes, ...rest } =
    inspection;
  return {
    ...rest,
    cameras: [...cameras],
    scenes: [...scenes],
    viewLayers: [...viewLayers],
    layers: [...layers],
    files: files.map(({ path = '', ...file }) => ({ ...file, path })),
    notices: [...notices],
    scripts: [...scripts],
    problems: [...problems],
    problemCodes: [...(problemCodes ?? [])],
  };
}

export function toWireWait({ kind, message, have, need, subject = '' }: Wait): WireWait {
  return {
    kind,
    message,
    subject,
    ...(have !== undefined && { have }),
    ...(need !== undefined && { need }),
  };
}

/** What is in force for a node at this moment. */
export interface NodeNow {
  readonly effective: EffectiveNode;
  readonly assigned: readonly NodeSlots[];
}

export function toWireNode(
  { heartbeat, state, reason, standing, lastHeartbeatAtMs }: KnownNode,
  { effective, assigned }: NodeNow,
): Node {
  return {
    nodeId: heartbeat.nodeId,
    state,
    slots: heartbeat.slots,
    slotsBusy: heartbeat.slotsBusy,
    cores: heartbeat.cores,
    memoryBytes: heartbeat.memoryBytes,
    memoryUsedBytes: heartbeat.memoryUsedBytes,
    renderers: heartbeat.renderers.map((renderer) => ({ ...renderer })),
    startedAtMs: Math.round(heartbeat.startedAtMs),
    lastHeartbeatAtMs: Math.round(lastHeartbeatAtMs),
    hostName: heartbeat.hostName,
    agentVersion: heartbeat.agentVersion,
    jobIds: [...heartbeat.jobIds],
    tilesDone: heartbeat.tilesDone,
    reason,
    sandbox: heartbeat.sandbox ?? '',
    blockedJobs: standing.blocks.map(({ jobId, failures, untilMs }) => ({
      jobId,
      failures,
      untilMs: Math.round(untilMs),
    })),
    troubles: (heartbeat.troubles ?? []).map(
      ({ jobId, code, message }) => `${jobId === undefined ? '' : `job ${jobId}: `}${code}: ${message}`,
    ),
    pools: [...effective.pools],
    tags: [...effective.tags],
    gpus: (heartbeat.gpus ?? []).map((gpu) => ({ ...gpu })),
    assigned: assigned.map(({ jobId, slots }) => ({ jobId, slots })),
  };
}
