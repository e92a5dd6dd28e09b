import { expect, it } from 'vitest';
import { newJobId, newPlanId } from './ids.js';
import { jobRecordSchema } from './job.js';

/** As a coordinator wrote it before jobs had a schedule. */
const OLD = {
  jobId: newJobId('shot'),
  name: 'shot',
  studio: 'default',
  idempotencyKey: 'key-of-the-request',
  requestDigest: 'a'.repeat(64),
  manifest: { entry: 'a.glb', files: [{ path: 'a.glb', digest: 'b'.repeat(64), sizeBytes: 1 }] },
  frames: [1, 2],
  settings: { renderer: 'gltf', widthPx: 64, heightPx: 64, samples: 4, layers: ['beauty'], formats: ['exr'] },
  plan: { planId: newPlanId(), tileWidthPx: 32, tileHeightPx: 32 },
  tile: '32',
  maxAttempts: 4,
  warnings: [],
  createdAtMs: 1,
};

it('a record of before jobs had a schedule is one that asks for nothing, rendered by processors', () => {
  const { schedule, settings } = jobRecordSchema.parse(OLD);
  expect(schedule).toEqual({
    ...{ priority: 50, maxSlots: 0, licences: [], after: [], afterFrames: false, startAtMs: 0 },
    ...{ isPaused: false, preempt: 'tile', frameOrder: 'sequential', tileOrder: 'rows' },
    needs: { tags: [], cores: 0, memoryBytes: 0, gpus: 0, gpuMemoryBytes: 0 },
  });
  expect(settings.device).toBe('cpu');
});
