/** A job as it was asked for, before the scene and the farm have filled in what was left out. */
import type { z } from 'zod';
import type { Studio } from '#shared/domain/ids.js';
import { type EnvironmentSetting, type RenderSettings, renderSettingsSchema } from '#shared/domain/job.js';
import type { PackageManifest } from '#shared/domain/scene-package.js';
import type { JobSchedule } from '#shared/domain/schedule.js';
import { FarmError } from '#shared/errors.js';
import type { SceneDefaults } from '../judging/scene-defaults.js';

/** What was left out is absent. */
export interface SettingsDraft {
  readonly renderer?: string;
  readonly widthPx?: number;
  readonly heightPx?: number;
  readonly samples?: number;
  readonly seed?: number;
  readonly fps?: number;
  readonly camera?: string;
  readonly scene?: string;
  readonly animation?: string;
  readonly environment?: EnvironmentSetting;
  readonly exposureEv?: number;
  readonly view?: string;
  readonly layers?: readonly string[];
  readonly formats?: readonly string[];
  readonly syntheticCostMs?: number;
  readonly viewLayer?: string;
  readonly threadsPerSlot?: number;
  readonly allowScripts?: boolean;
  readonly allowMissing?: boolean;
  readonly sourceRoot?: string;
  readonly device?: string;
}

export interface JobDraft {
  /** Empty: the scene file's name. */
  readonly name: string;
  readonly studio: Studio;
  readonly manifest: PackageManifest;
  /** Empty: the scene's own. */
  readonly frames: string;
  readonly tile: string;
  /** The renderer is the client's, or the scene file's. */
  readonly settings: SettingsDraft & { readonly renderer: string };
  /** Absent: the one that most slots have. */
  readonly rendererVersion?: string;
  /** 0: the farm's default. */
  readonly maxAttempts: number;
  /** 0 to 1. */
  readonly verify: number;
  /** 0: as the job's tiles turn out. */
  readonly tileTimeLimitMs: number;
  /** With the farm's defaults where something was left out. */
  readonly schedule: JobSchedule;
  /** Of a job that renders all frames first; 0: none. */
  readonly previewSamples: number;
}

/**
 * The request first, then the scene's own values, then the farm's.
 * @throws JOB_SPEC_INVALID naming the field, the value and what is allowed.
 */
export function parseSettings(draft: SettingsDraft, scene: Partial<SceneDefaults>): RenderSettings {
  const { frames: _frames, tile: _tile, ...sceneSettings } = scene;
  const merged = { ...withoutUndefined(sceneSettings), ...withoutUndefined(draft) };
  return parseField(renderSettingsSchema, merged, 'spec.settings');
}

/**
 * @param path proto name of the field, e.g. `spec.settings`; empty: the names are those of `value`.
 * @throws JOB_SPEC_INVALID in one line: field, value, what is allowed.
 */
export function parseField<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  let wrong: unknown = value;
  for (const key of issue.path) wrong = (wrong as Record<PropertyKey, unknown> | undefined)?.[key];
  const field = [path, ...issue.path.map((key) => protoName(String(key)))].filter(Boolean).join('.');
  const shown =
    wrong !== null && typeof wrong === 'object' ? '' : ` is ${JSON.stringify(wrong)?.slice(0, 100)}`;
  throw new FarmError('JOB_SPEC_INVALID', `${field}${shown}: ${issue.message}`, { field });
}

function protoName(key: string): string {
  if (key === 'syntheticCostMs') return 'synthetic.cost_ms_per_tile';
  if (key === 'isPaused') return 'paused';
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function withoutUndefined(record: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
