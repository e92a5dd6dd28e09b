/** Failed frames for people: one line each, with the tile that failed, who tried it, and why it failed in the end. */
import { paddedFrame } from '#shared/domain/frame-range.js';
import type { FrameRecord__Output } from '#shared/wire/generated/guian/v1/FrameRecord.js';
import { oneLine } from '../process/exit-code.js';

/** More lines than that say nothing more to a person; `--json` and `guian frames` have them all. */
const LINES_MAX = 20;

/** @returns lines that end with a newline; empty when no frame has failed. */
export function failedFramesText(jobId: string, failed: readonly FrameRecord__Output[]): string {
  if (failed.length === 0) return '';
  const lines = failed.slice(0, LINES_MAX).map((frame) => `  ${oneLine(failedFrameText(frame))}`);
  if (failed.length > LINES_MAX)
    lines.push(`  and ${failed.length - LINES_MAX} more: guian job show ${jobId} --json`);
  const advice = [
    `  "guian job events ${jobId} --frame ${failed[0]!.frame}" tells who tried what and when,`,
    `  "guian job retry ${jobId}" renders ${failed.length === 1 ? 'it' : 'them'} again`,
  ];
  return `${['Failed:', ...lines, ...advice].join('\n')}\n`;
}

/** e.g. `frame 0002, tile 5: 4 tries (node-a, node-b): RENDER_FAILED: out of memory` */
export function failedFrameText({ frame, failedTiles, reason }: FrameRecord__Output): string {
  const tiles = failedTiles.map(({ tile, attempts }) => {
    const nodes = [...new Set(attempts.map(({ nodeId }) => nodeId))].join(', ');
    const last = attempts.at(-1);
    const why = last ? `${last.code}: ${last.message}` : reason;
    return `tile ${tile}: ${attempts.length} ${attempts.length === 1 ? 'try' : 'tries'} (${nodes}): ${why}`;
  });
  return `frame ${paddedFrame(frame)}${tiles.length > 0 ? `, ${tiles.join('; ')}` : `: ${reason}`}`;
}
