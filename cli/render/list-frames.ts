/** The frames of a job, page by page, or one of them. */
import { type CoordinatorClient, call } from '#shared/wire/coordinator-client.js';
import type { FrameRecord__Output } from '#shared/wire/generated/guian/v1/FrameRecord.js';
import type { ListFramesResponse__Output } from '#shared/wire/generated/guian/v1/ListFramesResponse.js';

const PAGE_SIZE = 1_000;

/** @param state only frames in this state; default: all. */
export async function listFrames(
  farm: CoordinatorClient,
  jobId: string,
  state = '',
): Promise<FrameRecord__Output[]> {
  const frames: FrameRecord__Output[] = [];
  for (let pageToken = ''; ; ) {
    const page = await call<ListFramesResponse__Output>(farm, (options, done) =>
      farm.frames.list({ jobId, pageSize: PAGE_SIZE, pageToken, state }, options, done),
    );
    frames.push(...page.frames);
    if (page.nextPageToken === '') return frames;
    pageToken = page.nextPageToken;
  }
}

/** One frame, and who rendered its tiles once it has ended; nothing when the job has no such frame. */
export async function listFrame(
  farm: CoordinatorClient,
  jobId: string,
  frame: number,
): Promise<FrameRecord__Output | undefined> {
  const { frames } = await call<ListFramesResponse__Output>(farm, (options, done) =>
    farm.frames.list({ jobId, frame }, options, done),
  );
  return frames[0];
}
