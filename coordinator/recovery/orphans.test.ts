import { describe, expect, it } from 'vitest';
import { isOverdue, type JobOutputs, jobOrphans, sharedOrphans } from './orphans.js';

const A = 'aa'.repeat(32);
const B = 'bb'.repeat(32);
const FOLDER = 'jobs/valley-ab2cd3/';
const inFrames = (...names: string[]) => names.map((name) => `${FOLDER}frames/${name}`);
const JOB: JobOutputs = {
  baseName: 'valley',
  extensions: ['.exr', '.8.png'],
  hasEnded: true,
  failedFrames: new Set(),
};
const RECORDS = [`${FOLDER}job.json`, `${FOLDER}frames/`];

describe('orphans of the store', () => {
  it('are blobs of no package, unfinished uploads, and temporary files; everything else is named, not touched', () => {
    const mine = [
      ...['blobs/', 'jobs/', 'nodes/', 'uploads/', 'coordinator.lock', 'blobs/sha256/', 'blobs/sha256/aa/'],
      ...[`blobs/sha256/aa/${A}`, 'admin/', 'admin/journal.jsonl'],
    ];
    const lost = [
      { path: `blobs/sha256/bb/${B}`, kind: 'blob' },
      { path: `uploads/${B}.part`, kind: 'upload' },
      { path: 'coordinator.lock.4a1b2c3d-0000-4000-8000-0123456789ab', kind: 'temporary file' },
      { path: 'nodes/blame.json.12.3.tmp', kind: 'temporary file' },
    ];
    const foreign = [
      'notes.txt',
      'backup/',
      'uploads/a.part',
      `blobs/sha256/aa/${B}`,
      `blobs/${A}`,
      'a.1.2.tmp',
    ];
    const found = sharedOrphans(
      [...mine, ...lost.map(({ path }) => path), ...foreign],
      (digest) => digest === A,
    );
    expect(found).toEqual({ orphans: lost, foreign });
  });

  it('are no blobs at all as long as a job record cannot be read', () => {
    expect(sharedOrphans([`blobs/sha256/bb/${B}`], undefined)).toEqual({ orphans: [], foreign: [] });
  });

  it('are files of frames without a record, or whose record says failed, once the job has ended', () => {
    const finished = inFrames('1.json', 'valley.0001.exr', 'valley.0001.8.png');
    const lost = inFrames('valley.0002.exr', 'valley.-0003.8.png', 'valley.0004.exr');
    const foreign = inFrames('valley.0002.png', 'valley.2.exr', 'other.0002.exr', 'notes', 'deep/');
    const paths = [...RECORDS, ...finished, ...inFrames('4.json'), ...lost, ...foreign];
    const job = { ...JOB, failedFrames: new Set([4]) };
    expect(jobOrphans(FOLDER, paths, job)).toEqual({
      orphans: lost.map((path) => ({ path, kind: 'frame file' })),
      foreign,
    });
    expect(jobOrphans(FOLDER, paths, { ...job, hasEnded: false })).toEqual({ orphans: [], foreign });
  });

  it('are half-written files of any job', () => {
    const lost = [
      `${FOLDER}ended.json.3.4.tmp`,
      ...inFrames('.valley.0001.exr.0123456789ab.tmp', '1.json.9.0.tmp'),
    ];
    const foreign = inFrames('my.tmp', '.valley.tmp');
    const paths = [...RECORDS, `${FOLDER}retries.json`, `${FOLDER}ended.json`, ...lost, ...foreign];
    expect(jobOrphans(FOLDER, paths, { ...JOB, hasEnded: false })).toEqual({
      orphans: lost.map((path) => ({ path, kind: 'temporary file' })),
      foreign,
    });
  });

  it('are folders of jobs without a record, if nothing else lies in them', () => {
    const orphans = [{ path: FOLDER, kind: 'job folder' }];
    const half = [`${FOLDER}frames/`, `${FOLDER}job.json.1.2.tmp`];
    expect(jobOrphans(FOLDER, [], undefined)).toEqual({ orphans, foreign: [] });
    expect(jobOrphans(FOLDER, half, undefined)).toEqual({ orphans, foreign: [] });
    expect(jobOrphans(FOLDER, [...half, `${FOLDER}frames/valley.0001.exr`], undefined)).toEqual({
      orphans: [],
      foreign: [FOLDER],
    });
    expect(jobOrphans(FOLDER, RECORDS, undefined), 'a damaged record').toEqual({ orphans: [], foreign: [] });
    expect(jobOrphans('jobs/backup/', [], undefined)).toEqual({ orphans: [], foreign: ['jobs/backup/'] });
  });

  it('go when nobody has used them for the grace; a file of a frame at once', () => {
    const blob = { path: '', kind: 'blob' } as const;
    expect([1_000, 1_001].map((ageMs) => isOverdue(blob, 5_000 - ageMs, 5_000, 1_000))).toEqual([
      false,
      true,
    ]);
    expect(isOverdue({ path: '', kind: 'frame file' }, 5_000, 5_000, 1_000)).toBe(true);
    // The clock was put back.
    expect(isOverdue(blob, 9_000, 5_000, 1_000)).toBe(false);
  });
});
