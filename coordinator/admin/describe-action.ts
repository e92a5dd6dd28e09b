/** An action in words: whom it concerns, and what it does. Pure. */
import type { AdminAction } from './actions.js';

/** Name of the studio, pool, licence, node or job. */
export function subjectOf(action: AdminAction): string {
  switch (action.kind) {
    case 'studio_set':
    case 'studio_removed':
      return action.studio;
    case 'pool_set':
    case 'pool_removed':
      return action.pool;
    case 'licence_set':
    case 'licence_removed':
    case 'licence_reported':
      return action.licence;
    case 'node_set':
    case 'node_removed':
      return action.nodeId;
    case 'job_set':
      return action.jobId;
    default:
      throw action satisfies never;
  }
}

/** For people, e.g. `drain on, tags big fast`. */
export function describeAction(action: AdminAction): string {
  switch (action.kind) {
    case 'studio_set':
      return joined([part('share', action.share), part('max slots', action.maxSlots)]);
    case 'pool_set':
      return joined([
        part('target wait', action.targetWaitMs, ' ms'),
        part('min slots', action.minSlots),
        part('max slots', action.maxSlots),
        part('idle', action.idleMs, ' ms'),
      ]);
    case 'licence_set':
      return joined([part('total', action.total), part('per', action.per)]);
    case 'licence_reported':
      return `reported total ${action.total}`;
    case 'node_set':
      return joined([
        switched('drain', action.drain),
        names('tags', action.tags),
        names('pools', action.pools),
      ]);
    case 'job_set':
      return joined([
        part('priority', action.priority),
        switched('pause', action.paused),
        part('pool', action.pool === '' ? 'any' : action.pool),
        switched('ignore after', action.ignoreAfter),
        part('max slots', action.maxSlots),
      ]);
    case 'studio_removed':
    case 'pool_removed':
    case 'licence_removed':
    case 'node_removed':
      return 'removed';
    default:
      throw action satisfies never;
  }
}

function joined(parts: readonly (string | undefined)[]): string {
  return parts.filter((text) => text !== undefined).join(', ') || 'as by default';
}

function part(name: string, value: number | string | undefined, unit = ''): string | undefined {
  return value === undefined ? undefined : `${name} ${value}${unit}`;
}

function switched(name: string, isOn: boolean | undefined): string | undefined {
  return isOn === undefined ? undefined : `${name} ${isOn ? 'on' : 'off'}`;
}

function names(what: string, list: readonly string[] | null | undefined): string | undefined {
  if (list === undefined) return undefined;
  return list === null ? `${what} its own` : `${what} ${list.join(' ') || 'none'}`;
}
