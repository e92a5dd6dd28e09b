import { expect, it } from 'vitest';
import type { JobSpec__Output } from '#shared/wire/generated/guian/v1/JobSpec.js';
import { toJobDraft } from './to-domain.js';

const digest = 'a'.repeat(64);
const specOf = (entry: string, settings: object) =>
  ({
    ...{ name: '', studio: '', frames: '', tile: '', rendererVersion: '', schedule: null },
    ...{ maxAttempts: 0, verify: 0, tileTimeLimitMs: 0 },
    manifest: { entry, files: [{ path: entry, digest, sizeBytes: 1 }] },
    settings: { layers: [], formats: [], sourceRoot: '', environment: null, synthetic: null, ...settings },
  }) as unknown as JobSpec__Output;

it('a scene of POV-Ray may not lack files, whoever asks for it', () => {
  const refused = {
    code: 'JOB_SPEC_INVALID',
    message: expect.stringMatching(/^spec\.settings\.allow_missing/),
  };
  const draft = (entry: string, renderer = '') => toJobDraft(specOf(entry, { allowMissing: true, renderer }));
  expect(() => draft('a.pov')).toThrow(expect.objectContaining(refused));
  expect(() => draft('a.inc', 'povray')).toThrow(expect.objectContaining(refused));
  expect(draft('a.blend').settings).toMatchObject({ renderer: 'blender', allowMissing: true });
});
