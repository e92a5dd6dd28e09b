/** Frame ranges as film people write them: `0-47x2,60` is every second frame from 0 to 47, and 60. */
import { FarmError } from '../errors.js';
import { LIMITS } from '../limits.js';

const PART = /^(-?\d{1,7})(?:-(-?\d{1,7}))?(?:x(\d{1,7}))?$/;
const FRAME_NUMBER_MAX = 9_999_999;

/**
 * @returns the frame numbers, ascending, each once.
 * @throws JOB_SPEC_INVALID naming the part that is wrong and what is allowed.
 */
export function parseFrameRange(text: string): readonly number[] {
  const frames = new Set<number>();
  for (const part of text.split(',').map((item) => item.trim())) {
    const match = PART.exec(part);
    if (!match)
      throw invalid(
        text,
        `"${part}" is not a frame or a range; write 12, 0-47 or 0-47x2, separated by commas`,
      );
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    const step = match[3] === undefined ? 1 : Number(match[3]);
    if (match[3] !== undefined && match[2] === undefined)
      throw invalid(text, `"${part}" has a step but no range; write 0-47x2`);
    if (step < 1) throw invalid(text, `the step in "${part}" is ${step}; it must be at least 1`);
    if (last < first) throw invalid(text, `"${part}" runs backwards; write ${last}-${first}`);
    if ((last - first) / step > LIMITS.framesPerJobMax) throw tooMany(text);
    for (let frame = first; frame <= last; frame += step) frames.add(frame);
    if (frames.size > LIMITS.framesPerJobMax) throw tooMany(text);
  }
  return [...frames].sort((a, b) => a - b);
}

/** The shortest text that parses to the same frames. */
export function formatFrameRange(frames: readonly number[]): string {
  const parts: string[] = [];
  for (let start = 0; start < frames.length; ) {
    const step = start + 1 < frames.length ? frames[start + 1]! - frames[start]! : 1;
    let end = start;
    while (end + 1 < frames.length && frames[end + 1]! - frames[end]! === step) end++;
    // Two frames with a gap between them are shorter, and clearer, as two numbers.
    if (end === start + 1 && step > 1) end = start;
    const range = end === start ? `${frames[start]}` : `${frames[start]}-${frames[end]}`;
    parts.push(end > start && step > 1 ? `${range}x${step}` : range);
    start = end + 1;
  }
  return parts.join(',');
}

/** Frame number as it stands in file names: `0012`, `-0003`. */
export function paddedFrame(frame: number): string {
  return `${frame < 0 ? '-' : ''}${String(Math.abs(frame)).padStart(4, '0')}`;
}

function invalid(text: string, why: string): FarmError {
  return new FarmError(
    'JOB_SPEC_INVALID',
    `frames "${text.slice(0, 80)}": ${why} (frame numbers up to ±${FRAME_NUMBER_MAX})`,
  );
}

function tooMany(text: string): FarmError {
  return invalid(text, `more than ${LIMITS.framesPerJobMax} frames in one job; submit it in parts`);
}
