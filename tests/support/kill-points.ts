/** Points between two steps of the coordinator at which a test kills it: parts that work as ever, then end the process. */
import { watch } from 'node:fs';
import { TEMP_FILE_PATTERN } from '#coordinator/frames/write-frame.js';
import type { CoordinatorParts } from '#coordinator/main.js';

export type KillPoint =
  | 'job recorded'
  | 'layout recorded'
  | 'stitching'
  | 'frame files written'
  | 'frame recorded'
  | 'job end recorded';

/** SIGKILL of this very process, as soon as the step before the point is through. */
export function killedAt(point: KillPoint): CoordinatorParts {
  const after = <Args extends unknown[], Result>(
    wanted: KillPoint,
    step: (...args: Args) => Promise<Result>,
  ): ((...args: Args) => Promise<Result>) =>
    wanted !== point
      ? step
      : async (...args) => {
          const result = await step(...args);
          process.kill(process.pid, 'SIGKILL');
          return result;
        };
  return {
    wrapStore: (store) => ({
      ...store,
      jobs: {
        ...store.jobs,
        create: after('job recorded', store.jobs.create),
        writeLayouts: after('layout recorded', store.jobs.writeLayouts),
        writeFrame: after('frame recorded', store.jobs.writeFrame),
        writeEnd: after('job end recorded', store.jobs.writeEnd),
      },
    }),
    wrapStitcher: (stitcher) => ({
      stitch: after('frame files written', (request) => {
        if (point === 'stitching') killWhileWriting(request.folder);
        return stitcher.stitch(request);
      }),
    }),
  };
}

/** As soon as the other thread has begun a file in the folder. */
function killWhileWriting(folder: string): void {
  watch(folder, (_, name) => {
    if (name && TEMP_FILE_PATTERN.test(name)) process.kill(process.pid, 'SIGKILL');
  });
}
