/** AdminService: how the farm is shared, who changed what, and how many slots would be right. */
import { z } from 'zod';
import type { Clock } from '#shared/clock.js';
import { FarmError } from '#shared/errors.js';
import { invariant } from '#shared/invariant.js';
import type { Logger } from '#shared/log.js';
import type { AdminServiceHandlers } from '#shared/wire/generated/guian/v1/AdminService.js';
import type { AdminAction } from '../../admin/actions.js';
import type { Admin } from '../../admin/admin.js';
import { applyAction } from '../../admin/apply-action.js';
import { assertLicenceIsFree, assertPoolIsFree, assertSet } from '../../admin/in-use.js';
import { parseField } from '../../jobs/job-draft.js';
import type { JobRegistry } from '../../jobs/job-registry.js';
import type { NodeTable } from '../../loops/nodes.js';
import type { SchedulerView } from '../../scheduling/scheduler-view.js';
import { type FarmNow, toWireEntry, toWireLicences, toWirePools, toWireStudios } from './admin-to-wire.js';
import { unary } from './handlers.js';
import {
  toActor,
  toLicenceAction,
  toLicenceReport,
  toPoolAction,
  toSettingName,
  toStudioAction,
  toStudioName,
} from './to-action.js';
import { toPageSize } from './to-domain.js';

export interface AdminServiceHooks {
  readonly jobs: Pick<JobRegistry, 'liveJobs'>;
  readonly nodes: Pick<NodeTable, 'list'>;
  readonly clock: Clock;
  readonly admin: Admin;
  readonly scheduler: SchedulerView;
}

const PAGE_SIZE = 100;
const PAGE_SIZE_MAX = 1_000;
const pageTokenSchema = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, 'it is the next_page_token of the page before, or empty')
  .transform(Number);

export function adminService(hooks: AdminServiceHooks, log: Logger): AdminServiceHandlers {
  const { jobs, nodes, clock, admin, scheduler } = hooks;
  const farmNow = (): FarmNow => ({
    ...{ admin, scheduler },
    // Of ten thousand nodes the list takes a while, and only pools need it.
    get nodes() {
      return nodes.list();
    },
    jobs: jobs.liveJobs(),
    nowMs: clock.nowMs(),
  });
  const users = () => ({ nodes: nodes.list().map(({ heartbeat }) => heartbeat), jobs: jobs.liveJobs() });
  return {
    ListStudios: unary(log, () => ({ studios: toWireStudios(farmNow()) })),

    SetStudio: unary(log, async (request) => {
      await admin.apply(toActor(request.actor), toStudioAction(request));
      return named(toWireStudios(farmNow()), request.name);
    }),

    RemoveStudio: unary(log, async (request) => {
      const studio = toStudioName(request.name);
      await admin.apply(toActor(request.actor), { kind: 'studio_removed', studio }, () =>
        assertSet('studio', studio, admin.settings.studios.has(studio)),
      );
      return {};
    }),

    ListPools: unary(log, () => ({ pools: toWirePools(farmNow()) })),

    SetPool: unary(log, async (request) => {
      const action = toPoolAction(request);
      await admin.apply(toActor(request.actor), action, () => assertOrdered(admin, action, request.name));
      return named(toWirePools(farmNow()), request.name);
    }),

    RemovePool: unary(log, async (request) => {
      const pool = toSettingName(request.name);
      await admin.apply(toActor(request.actor), { kind: 'pool_removed', pool }, () =>
        assertPoolIsFree(pool, admin.settings, users()),
      );
      return {};
    }),

    ListLicences: unary(log, () => ({ licences: toWireLicences(farmNow()) })),

    SetLicence: unary(log, async (request) => {
      const action = toLicenceAction(request);
      await admin.apply(toActor(request.actor), action, () => {
        if (request.total === undefined) assertHasTotal(admin, request.name);
      });
      return named(toWireLicences(farmNow()), request.name);
    }),

    ReportLicence: unary(log, async (request) => {
      const { licence, total, expiresAfterMs } = toLicenceReport(request);
      await admin.report(toActor(request.actor), licence, total, expiresAfterMs);
      return named(toWireLicences(farmNow()), licence);
    }),

    RemoveLicence: unary(log, async (request) => {
      const licence = toSettingName(request.name);
      await admin.apply(toActor(request.actor), { kind: 'licence_removed', licence }, () => {
        const isReported = admin.reports.find(licence) !== undefined;
        assertLicenceIsFree(licence, admin.settings, isReported, { jobs: jobs.liveJobs() });
      });
      return {};
    }),

    ListJournal: unary(log, async (request) => {
      const size = toPageSize(request.pageSize, PAGE_SIZE, PAGE_SIZE_MAX);
      const olderThan =
        request.pageToken === ''
          ? undefined
          : parseField<number>(pageTokenSchema, request.pageToken, 'page_token');
      const page = await admin.journal.page(size, olderThan);
      const nextPageToken = page.olderThan === undefined ? '' : String(page.olderThan);
      return { entries: page.entries.map(toWireEntry), nextPageToken };
    }),

    // Whoever acts on it would send machines away, or start others, if nodes were missing that have not spoken yet.
    ScaleAdvice: unary(log, async () => {
      await scheduler.nodesKnown();
      const advice = scheduler.scaleAdvice();
      invariant(advice, 'there is advice once nodes are known');
      return { pools: advice.map((one) => ({ ...one })) };
    }),
  };
}

function named<T extends { name?: string }>(list: readonly T[], name: string): T {
  const found = list.find((one) => one.name === name);
  invariant(found, 'what has just been set is listed');
  return found;
}

/** @throws JOB_SPEC_INVALID for a pool that would have to have more than its most slots. */
function assertOrdered(admin: Admin, action: AdminAction, pool: string): void {
  const after = applyAction(admin.settings, action).pools.get(pool);
  if (!after || after.maxSlots === 0 || after.minSlots <= after.maxSlots) return;
  throw new FarmError(
    'JOB_SPEC_INVALID',
    `min_slots would be ${after.minSlots} and max_slots ${after.maxSlots}: it must be at most max_slots, or max_slots 0 for no limit`,
    { field: 'min_slots' },
  );
}

/** @throws JOB_SPEC_INVALID for one of which nobody has said yet how many there are. */
function assertHasTotal(admin: Admin, licence: string): void {
  if (admin.settings.licences.has(licence)) return;
  throw new FarmError(
    'JOB_SPEC_INVALID',
    `total is missing: licence ${JSON.stringify(licence)} is new; say how many tokens there are`,
    { field: 'total' },
  );
}
