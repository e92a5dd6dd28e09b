/** What people should know of a job that a farm has just taken: that it waits on purpose, and what comes before it. */
import type { Job__Output } from '#shared/wire/generated/guian/v1/Job.js';

/** Lines for stderr; empty where it starts at once. */
export function startNotes({ jobId, spec }: Job__Output): string[] {
  const { previewJobId = '', after = [], afterFrames, paused, startAtMs = 0 } = spec?.schedule ?? {};
  return [
    ...(previewJobId === '' ? [] : [`its preview is job ${previewJobId}`]),
    ...(paused ? [`it is paused: guian job resume ${jobId}`] : []),
    ...(startAtMs > Date.now() ? [`it starts at ${new Date(startAtMs).toISOString()}`] : []),
    ...(after.length === 0
      ? []
      : [`it starts after ${after.join(', ')}${afterFrames ? ', frame by frame' : ''}`]),
  ];
}
