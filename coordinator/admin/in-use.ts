/** Who needs a pool or a licence, so that none is taken away beneath a job. Pure. */
import type { JobId, NodeId } from '#shared/domain/ids.js';
import type { JobSchedule } from '#shared/domain/schedule.js';
import { FarmError } from '#shared/errors.js';
import { type AnnouncedNode, effectiveJob, effectiveNode } from './effective.js';
import type { AdminSettings } from './settings.js';

/** What is there at the moment. */
export interface Users {
  /** As their heartbeats say. */
  readonly nodes: readonly (AnnouncedNode & { readonly nodeId: NodeId })[];
  /** That have not ended. */
  readonly jobs: readonly { readonly jobId: JobId; readonly record: { readonly schedule: JobSchedule } }[];
}

/** @throws SETTING_NOT_FOUND, or STILL_IN_USE naming a node or job. */
export function assertPoolIsFree(pool: string, settings: AdminSettings, users: Users): void {
  assertSet('pool', pool, settings.pools.has(pool));
  const listed = new Set(users.nodes.map(({ nodeId }) => nodeId));
  const nodes = users.nodes.filter((node) =>
    effectiveNode(node, settings.nodes.get(node.nodeId)).pools.includes(pool),
  );
  // One that is away would come back into it.
  const away = [...settings.nodes].filter(
    ([nodeId, set]) => !listed.has(nodeId) && (set.pools?.includes(pool) ?? false),
  );
  const jobs = users.jobs.filter(
    ({ jobId, record }) => effectiveJob(record.schedule, settings.jobs.get(jobId)).pool === pool,
  );
  refuse('pool', pool, [
    ['node', [...nodes.map(({ nodeId }) => nodeId), ...away.map(([nodeId]) => nodeId)], 'guian node pool'],
    ['job', jobs.map(({ jobId }) => jobId), 'guian job move'],
  ]);
}

/**
 * @param isReported a licence server has said how many there are.
 * @throws SETTING_NOT_FOUND, or STILL_IN_USE naming a job.
 */
export function assertLicenceIsFree(
  licence: string,
  settings: AdminSettings,
  isReported: boolean,
  users: Pick<Users, 'jobs'>,
): void {
  assertSet('licence', licence, settings.licences.has(licence) || isReported);
  const jobs = users.jobs.filter(({ record }) => record.schedule.licences.includes(licence));
  refuse('licence', licence, [['job', jobs.map(({ jobId }) => jobId), 'guian job cancel']]);
}

/** @throws SETTING_NOT_FOUND */
export function assertSet(what: string, name: string, isSet: boolean): void {
  if (isSet) return;
  throw new FarmError(
    'SETTING_NOT_FOUND',
    `nothing is set for ${what} ${JSON.stringify(name)}; "guian ${what} list" shows what is`,
    { name },
  );
}

type Group = readonly [what: string, ids: readonly string[], way: string];

function refuse(what: string, name: string, groups: readonly Group[]): void {
  const inUse = groups.filter(([, ids]) => ids.length > 0);
  if (inUse.length === 0) return;
  const users = inUse.map(([kind, ids]) => {
    const more = ids.length > 1 ? ` and ${ids.length - 1} more` : '';
    return `${kind} ${ids[0]}${more}`;
  });
  const ways = inUse.map(([kind, , way]) => `"${way}" ends it for a ${kind}`);
  throw new FarmError(
    'STILL_IN_USE',
    `${what} ${JSON.stringify(name)} is in use by ${users.join(' and ')}; ${ways.join(', ')}`,
    { name },
  );
}
