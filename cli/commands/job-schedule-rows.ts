/** What `guian job show` says of a job's place on the farm: what is in force now, and what it was submitted with. */
import type { Job__Output } from '#shared/wire/generated/guian/v1/Job.js';
import type { JobNeeds__Output } from '#shared/wire/generated/guian/v1/JobNeeds.js';
import { counted, humanBytes } from '../output/human.js';

/** Label and text; what says nothing is left out. */
export function scheduleRows({ spec, slots, priority, pool, waitsFor }: Job__Output): [string, string][] {
  const schedule = spec?.schedule;
  const limit = schedule && schedule.maxSlots > 0 ? `, at most ${schedule.maxSlots}` : '';
  const hard = schedule?.preempt === 'hard' ? ', takes slots over at once' : '';
  const order = [
    ...(schedule && !['', 'sequential'].includes(schedule.frameOrder)
      ? [`frames ${schedule.frameOrder}`]
      : []),
    ...(schedule && !['', 'rows'].includes(schedule.tileOrder) ? [`tiles ${schedule.tileOrder}`] : []),
  ];
  const rows: [string, string][] = [
    ['Priority', `${priority}${hard}`],
    ['Pool', pool || 'any'],
    ['Slots', `${slots}${limit}`],
    ['Needs', needsText(schedule?.needs ?? null)],
    ['Licences', schedule?.licences.join(', ') ?? ''],
    ['After', afterText(schedule?.after ?? [], schedule?.afterFrames === true)],
    ['Starts at', schedule && schedule.startAtMs > 0 ? new Date(schedule.startAtMs).toISOString() : ''],
    ['Order', order.join(', ')],
    ['Preview', schedule?.previewJobId ?? ''],
    ['Waits for', waitsFor],
  ];
  return rows.filter(([, text]) => text !== '');
}

function afterText(after: readonly string[], isByFrame: boolean): string {
  if (after.length === 0) return '';
  return `${after.join(', ')}${isByFrame ? ', frame by frame' : ''}`;
}

function needsText(needs: JobNeeds__Output | null): string {
  if (!needs) return '';
  const gpuMemory = needs.gpuMemoryBytes > 0 ? ` of ${humanBytes(needs.gpuMemoryBytes)}` : '';
  return [
    ...(needs.tags.length > 0 ? [`tags ${needs.tags.join(', ')}`] : []),
    ...(needs.cores > 0 ? [counted(needs.cores, 'core')] : []),
    ...(needs.memoryBytes > 0 ? [`${humanBytes(needs.memoryBytes)} per slot`] : []),
    ...(needs.gpus > 0 ? [`${counted(needs.gpus, 'GPU')}${gpuMemory}`] : []),
  ].join(', ');
}
