/** Requests of admins → actions (admin/actions.ts). Every field is checked; messages use proto names. */
import { z } from 'zod';
import { nodeIdSchema, studioSchema } from '#shared/domain/ids.js';
import { schedulingNameSchema } from '#shared/domain/schedule.js';
import { FarmError } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import type { ControlJobRequest__Output } from '#shared/wire/generated/guian/v1/ControlJobRequest.js';
import type { NameList__Output } from '#shared/wire/generated/guian/v1/NameList.js';
import type { ReportLicenceRequest__Output } from '#shared/wire/generated/guian/v1/ReportLicenceRequest.js';
import type { SetLicenceRequest__Output } from '#shared/wire/generated/guian/v1/SetLicenceRequest.js';
import type { SetNodeRequest__Output } from '#shared/wire/generated/guian/v1/SetNodeRequest.js';
import type { SetPoolRequest__Output } from '#shared/wire/generated/guian/v1/SetPoolRequest.js';
import type { SetStudioRequest__Output } from '#shared/wire/generated/guian/v1/SetStudioRequest.js';
import { type AdminAction, actorSchema, adminActionSchema, reportExpirySchema } from '../../admin/actions.js';
import { parseField } from '../../jobs/job-draft.js';
import { distinct } from './distinct.js';

export function toActor(text: string): string {
  return parseField(actorSchema, text, 'actor') as string;
}

export function toStudioName(name: string): z.infer<typeof studioSchema> {
  return parseField(studioSchema, name, 'name') as z.infer<typeof studioSchema>;
}

/** Of a pool or licence. */
export function toSettingName(name: string): string {
  return parseField(schedulingNameSchema, name, 'name') as string;
}

export function toNodeId(nodeId: string): z.infer<typeof nodeIdSchema> {
  return parseField(nodeIdSchema, nodeId, 'node_id') as z.infer<typeof nodeIdSchema>;
}

export function toStudioAction({ name, share, maxSlots }: SetStudioRequest__Output): AdminAction {
  return toAction({ kind: 'studio_set', studio: toStudioName(name), share, maxSlots });
}

export function toPoolAction(request: SetPoolRequest__Output): AdminAction {
  const { name, targetWaitMs, minSlots, maxSlots, idleMs } = request;
  const pool = toSettingName(name);
  return toAction({ kind: 'pool_set', pool, targetWaitMs, minSlots, maxSlots, idleMs });
}

export function toLicenceAction({ name, total, per }: SetLicenceRequest__Output): AdminAction {
  return toAction({
    kind: 'licence_set',
    licence: toSettingName(name),
    total,
    per: per === '' ? undefined : per,
  });
}

export interface LicenceReportRequest {
  readonly licence: string;
  readonly total: number;
  readonly expiresAfterMs: number;
}
const totalSchema = z.int().min(0).max(LIMITS.farmSlotsMax);

export function toLicenceReport(request: ReportLicenceRequest__Output): LicenceReportRequest {
  return {
    licence: toSettingName(request.name),
    total: parseField(totalSchema, request.total, 'total') as number,
    expiresAfterMs: parseField(reportExpirySchema, request.expiresAfterMs, 'expires_after_ms') as number,
  };
}

export function toNodeAction(request: SetNodeRequest__Output): AdminAction {
  const { drain } = request;
  const tags = toNames(request.tags, request.resetTags, 'tags');
  const pools = toNames(request.pools, request.resetPools, 'pools');
  assertSomething({ drain, tags, pools }, 'drain, tags, pools, reset_tags, reset_pools');
  return toAction({ kind: 'node_set', nodeId: toNodeId(request.nodeId), drain, tags, pools });
}

/** @param jobId of a job that is known. */
export function toJobAction(request: ControlJobRequest__Output, jobId: string): AdminAction {
  const { priority, paused, pool, ignoreAfter, maxSlots } = request;
  const changes = { priority, paused, pool, ignoreAfter, maxSlots };
  assertSomething(changes, 'priority, paused, pool, ignore_after, max_slots');
  return toAction({ kind: 'job_set', jobId, ...changes });
}

/** null: its own again. */
function toNames(
  list: NameList__Output | null,
  isReset: boolean,
  field: string,
): string[] | null | undefined {
  if (!isReset) return list ? distinct(list.names, field) : undefined;
  if (!list) return null;
  throw new FarmError('JOB_SPEC_INVALID', `${field} and reset_${field} exclude each other; leave one out`, {
    field,
  });
}

function assertSomething(changes: object, fields: string): void {
  if (Object.values(changes).some((value) => value !== undefined)) return;
  throw new FarmError('JOB_SPEC_INVALID', `nothing is to change; give one or more of ${fields}`);
}

function toAction(action: object): AdminAction {
  return parseField(adminActionSchema, action, '') as AdminAction;
}
