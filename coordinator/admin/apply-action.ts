/** The settings after one more action: the journal, folded with this, is what is in force. Pure. */
import { type LicencePolicy, STUDIO_DEFAULT } from '../scheduling/farm-model.js';
import type { AdminAction } from './actions.js';
import { type AdminSettings, type JobControl, type NodeSettings, POOL_DEFAULT } from './settings.js';

const LICENCE_DEFAULT: LicencePolicy = { total: 0, per: 'slot' };

const PART_OF = {
  studio_set: 'studios',
  studio_removed: 'studios',
  pool_set: 'pools',
  pool_removed: 'pools',
  licence_set: 'licences',
  licence_removed: 'licences',
  licence_reported: undefined,
  node_set: 'nodes',
  node_removed: 'nodes',
  job_set: 'jobs',
} as const satisfies Record<AdminAction['kind'], keyof AdminSettings | undefined>;

/**
 * @returns the very same settings where the action changes nothing; else a copy, of which only the part that changes is
 *   new: whoever holds the settings of before still sees those.
 */
export function applyAction(settings: AdminSettings, action: AdminAction): AdminSettings {
  const part = PART_OF[action.kind];
  if (part === undefined) return settings;
  const next = { ...settings, [part]: new Map<string, object>(settings[part]) };
  return change(next as Building, action) ? next : settings;
}

/** The settings after all of a journal: a copy at each of its lines would take the square of its length. */
export class SettingsFold {
  private readonly building: Building = {
    studios: new Map(),
    pools: new Map(),
    licences: new Map(),
    nodes: new Map(),
    jobs: new Map(),
  };

  add(action: AdminAction): void {
    change(this.building, action);
  }

  /** @param isKnown jobs of which nobody knows any more are left out. */
  settings(isKnown: (jobId: string) => boolean): AdminSettings {
    const { jobs, ...rest } = this.building;
    return { ...rest, jobs: new Map([...jobs].filter(([jobId]) => isKnown(jobId))) };
  }
}

type Building = {
  -readonly [Part in keyof AdminSettings]: AdminSettings[Part] extends ReadonlyMap<infer Key, infer Value>
    ? Map<Key, Value>
    : never;
};

/** @returns whether anything has changed. */
function change({ studios, pools, licences, nodes, jobs }: Building, action: AdminAction): boolean {
  switch (action.kind) {
    case 'studio_set': {
      const { studio, share, maxSlots } = action;
      return set(studios, studio, STUDIO_DEFAULT, { share, maxSlots });
    }
    case 'studio_removed':
      return studios.delete(action.studio);
    case 'pool_set': {
      const { kind: _kind, pool, ...changes } = action;
      return set(pools, pool, POOL_DEFAULT, changes);
    }
    case 'pool_removed':
      return pools.delete(action.pool);
    case 'licence_set': {
      const { licence, total, per } = action;
      return set(licences, licence, LICENCE_DEFAULT, { total, per });
    }
    case 'licence_removed':
      return licences.delete(action.licence);
    case 'licence_reported':
      return false;
    case 'node_set': {
      const before = nodes.get(action.nodeId) ?? {};
      const next = nodeAfter(before, action);
      if (isSame(before, next)) return false;
      if (Object.keys(next).length > 0) nodes.set(action.nodeId, next);
      else nodes.delete(action.nodeId);
      return true;
    }
    case 'node_removed':
      return nodes.delete(action.nodeId);
    case 'job_set': {
      const { jobId, priority, paused, pool, ignoreAfter, maxSlots } = action;
      const changes = { priority, isPaused: paused, pool, ignoresAfter: ignoreAfter, maxSlots };
      return set<string, JobControl>(jobs, jobId, {}, changes);
    }
    default:
      throw action satisfies never;
  }
}

type NodeSet = Extract<AdminAction, { kind: 'node_set' }>;

/** Not drained, and its own tags and pools: nothing is kept of those. */
function nodeAfter(before: NodeSettings, { drain, tags, pools }: NodeSet): NodeSettings {
  const isDrained = drain ?? before.isDrained ?? false;
  const nextTags = tags === undefined ? before.tags : tags;
  const nextPools = pools === undefined ? before.pools : pools;
  return {
    ...(isDrained && { isDrained }),
    ...(nextTags && { tags: nextTags }),
    ...(nextPools && { pools: nextPools }),
  };
}

/** Fields that may be left out, as zod and the wire have them. */
type Changes<T> = { readonly [Key in keyof T]?: T[Key] | undefined };

function set<Key, Value extends object>(
  entries: Map<Key, Value>,
  key: Key,
  defaults: Value,
  changes: Changes<Value>,
): boolean {
  const before = entries.get(key);
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  const next = { ...(before ?? defaults), ...Object.fromEntries(given) };
  if (before && isSame(before, next)) return false;
  entries.set(key, next);
  return true;
}

function isSame(before: object, next: object): boolean {
  return sortedText(before) === sortedText(next);
}

function sortedText(fields: object): string {
  return JSON.stringify(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
}
