/** What tells whether two jobs render the same scene: nodes that have it at hand render the first tile sooner. */
import { createHash } from 'node:crypto';
import type { JobRecord } from '#shared/domain/job.js';

const sceneKeys = new WeakMap<JobRecord['manifest'], string>();

/** The same for jobs with the same package. */
export function sceneKey({ manifest }: JobRecord): string {
  let key = sceneKeys.get(manifest);
  if (key === undefined) {
    const hash = createHash('sha256').update(manifest.entry);
    for (const { path, digest } of manifest.files) hash.update(`\n${path} ${digest}`);
    key = hash.digest('base64url').slice(0, 16);
    sceneKeys.set(manifest, key);
  }
  return key;
}
