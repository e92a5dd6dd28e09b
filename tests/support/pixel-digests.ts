/** What a job's frames look like, as digests: two jobs of one request must agree. */
import { createHash } from 'node:crypto';
import type { farmCalls } from './farm-calls.js';

/** Of the second half of each EXR file: the header, in the first, names the job. */
export async function pixelDigests(studio: ReturnType<typeof farmCalls>, jobId: string): Promise<string[]> {
  const digests: string[] = [];
  for (const { frame } of await studio.frames(jobId)) {
    const bytes = await studio.download(jobId, frame, 'exr');
    digests.push(
      createHash('sha256')
        .update(bytes.subarray(bytes.length / 2))
        .digest('hex'),
    );
  }
  return digests;
}
