/** Studios, pools and licences as they are set and used at this moment, and lines of the journal, for the wire. */
import type { JobId } from '#shared/domain/ids.js';
import type { JobSchedule } from '#shared/domain/schedule.js';
import type { JournalEntry as WireEntry } from '#shared/wire/generated/guian/v1/JournalEntry.js';
import type { Licence } from '#shared/wire/generated/guian/v1/Licence.js';
import type { Pool } from '#shared/wire/generated/guian/v1/Pool.js';
import type { Studio as WireStudio } from '#shared/wire/generated/guian/v1/Studio.js';
import type { JournalEntry } from '../../admin/actions.js';
import type { Admin } from '../../admin/admin.js';
import { describeAction, subjectOf } from '../../admin/describe-action.js';
import { effectiveJob, effectiveNode } from '../../admin/effective.js';
import { POOL_DEFAULT } from '../../admin/settings.js';
import type { KnownNode } from '../../loops/nodes.js';
import { STUDIO_DEFAULT } from '../../scheduling/farm-model.js';
import type { SchedulerView } from '../../scheduling/scheduler-view.js';

/** What is there at the moment. */
export interface FarmNow {
  readonly admin: Admin;
  readonly scheduler: SchedulerView;
  readonly nodes: readonly KnownNode[];
  /** That have not ended. */
  readonly jobs: readonly {
    readonly jobId: JobId;
    readonly record: { readonly studio: string; readonly schedule: JobSchedule };
  }[];
  readonly nowMs: number;
}

/** Those that an admin has set, and those of jobs that have not ended; by name. */
export function toWireStudios({ admin, scheduler, jobs }: FarmNow): WireStudio[] {
  const set = admin.settings.studios as ReadonlyMap<string, { share: number; maxSlots: number }>;
  const running = new Map<string, { slots: number; slotsWanted: number }>(
    scheduler.studios().map((studio) => [studio.studio, studio]),
  );
  const counts = new Map<string, number>();
  for (const { record } of jobs) counts.set(record.studio, (counts.get(record.studio) ?? 0) + 1);
  return sortedNames(set.keys(), running.keys(), counts.keys()).map((name) => {
    const { share, maxSlots } = set.get(name) ?? STUDIO_DEFAULT;
    const { slots = 0, slotsWanted = 0 } = running.get(name) ?? {};
    return {
      name,
      share,
      maxSlots,
      slots,
      slotsWanted,
      jobs: counts.get(name) ?? 0,
      configured: set.has(name),
    };
  });
}

/** Those that an admin has set, those that nodes are in, and those that jobs ask for; by name. */
export function toWirePools({ admin, nodes, jobs }: FarmNow): Pool[] {
  const { settings } = admin;
  const found = new Map<string, { nodes: number; slots: number; slotsBusy: number }>();
  const pool = (name: string) => {
    const entry = found.get(name) ?? { nodes: 0, slots: 0, slotsBusy: 0 };
    found.set(name, entry);
    return entry;
  };
  for (const { heartbeat, state } of nodes) {
    for (const name of effectiveNode(heartbeat, settings.nodes.get(heartbeat.nodeId)).pools) {
      const entry = pool(name);
      // It is in the pool, and has nothing to give.
      if (state === 'lost') continue;
      entry.nodes++;
      entry.slots += heartbeat.slots;
      entry.slotsBusy += heartbeat.slotsBusy;
    }
  }
  for (const { jobId, record } of jobs) {
    const wanted = effectiveJob(record.schedule, settings.jobs.get(jobId)).pool;
    if (wanted !== undefined) pool(wanted);
  }
  return sortedNames(settings.pools.keys(), found.keys()).map((name) => ({
    name,
    ...pool(name),
    ...(settings.pools.get(name) ?? POOL_DEFAULT),
    configured: settings.pools.has(name),
  }));
}

/** Those that an admin has set, that a licence server has reported, and that jobs need or hold; by name. */
export function toWireLicences({ admin, scheduler, jobs, nowMs }: FarmNow): Licence[] {
  const { settings, reports } = admin;
  const inForce = admin.policy().licences;
  const inUse = scheduler.licencesInUse();
  const needed = jobs.flatMap(({ record }) => record.schedule.licences);
  return sortedNames(inForce.keys(), inUse.keys(), needed).map((name) => {
    const { total, per } = inForce.get(name) ?? { total: 0, per: 'slot' };
    const remainingMs = reports.remainingMs(name);
    return {
      ...{ name, per, total },
      inUse: inUse.get(name) ?? 0,
      configuredTotal: settings.licences.get(name)?.total ?? 0,
      reportedUntilMs: remainingMs > 0 ? Math.round(nowMs + remainingMs) : 0,
    };
  });
}

export function toWireEntry({ sequence, atMs, actor, action }: JournalEntry): WireEntry {
  const { kind } = action;
  const message = describeAction(action);
  return { sequence, atMs: Math.round(atMs), actor, action: kind, subject: subjectOf(action), message };
}

function sortedNames(...lists: readonly Iterable<string>[]): string[] {
  return [...new Set(lists.flatMap((list) => [...list]))].sort();
}
