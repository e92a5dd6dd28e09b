/**
 * A job's scene package onto this node, however long it takes: no tile is pulled before it is here, for a lease held
 * through a download is a tile kept from others. What stands in the way is told, and tried again until the job leaves.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Heartbeat } from '#shared/bus/messages.js';
import type { JobId } from '#shared/domain/ids.js';
import type { PackageManifest } from '#shared/domain/scene-package.js';
import { FarmError, messageOf } from '#shared/errors.js';
import type { Logger } from '#shared/log.js';
import { attemptFailure } from './attempt-failure.js';
import type { AttemptFailure } from './render-task.js';
import type { HeldScene, SceneCache } from './scene-cache.js';

/** Why a job cannot be worked for now. */
export type JobTrouble = Pick<NonNullable<Heartbeat['troubles']>[number], 'code' | 'message'>;

const FIRST_RETRY_MS = 250;
const RETRY_MS_MAX = 10_000;
/** A disk is emptied by people, or by other jobs that end. */
const FIRST_DISK_RETRY_MS = 2_000;
const DISK_RETRY_MS_MAX = 30_000;
/** Once may be an accident that the next try mends. */
const TOLD_AFTER_TRIES = 3;
/** What a heartbeat may carry. */
const CODE_CHARS_MAX = 64;
const MESSAGE_CHARS_MAX = 1_000;

export interface BringSceneOptions {
  readonly cache: Pick<SceneCache, 'acquire'>;
  readonly jobId: JobId;
  readonly manifest: PackageManifest;
  readonly logger: Logger;
  /** The job has left. */
  readonly signal: AbortSignal;
  /** What is in the way now; nothing when it no longer is. */
  onTrouble(trouble: JobTrouble | undefined): void;
}

/** @returns the package; why it can never be used; nothing when the job has left. */
export async function bringScene(
  options: BringSceneOptions,
): Promise<HeldScene | AttemptFailure | undefined> {
  const { cache, jobId, manifest, logger, signal, onTrouble } = options;
  for (let tries = 1; !signal.aborted; tries++) {
    try {
      const scene = await cache.acquire(manifest);
      onTrouble(undefined);
      if (!signal.aborted) return scene;
      scene.release();
    } catch (error) {
      if (signal.aborted) return undefined;
      if (error instanceof FarmError && error.code.startsWith('SCENE_')) {
        onTrouble(undefined);
        return attemptFailure(error);
      }
      const isDiskFull = error instanceof FarmError && error.code === 'DISK_FULL';
      if (isDiskFull || tries >= TOLD_AFTER_TRIES) onTrouble(troubleOf(error));
      logger.warn({ jobId, tries, err: error }, 'scene package not here yet, trying again');
      await delay(retryMs(tries, isDiskFull), undefined, { signal }).catch(() => undefined);
    }
  }
  return undefined;
}

export function troubleOf(error: unknown): JobTrouble {
  const code = error instanceof FarmError ? error.code : 'SCENE_PACKAGE_MISSING';
  return { code: code.slice(0, CODE_CHARS_MAX), message: messageOf(error).slice(0, MESSAGE_CHARS_MAX) };
}

function retryMs(tries: number, isDiskFull: boolean): number {
  const doublings = Math.min(tries - 1, 10);
  return isDiskFull
    ? Math.min(DISK_RETRY_MS_MAX, FIRST_DISK_RETRY_MS * 2 ** doublings)
    : Math.min(RETRY_MS_MAX, FIRST_RETRY_MS * 2 ** doublings);
}
