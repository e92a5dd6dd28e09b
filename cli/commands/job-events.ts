/**
 * `guian job events ID`: what happened to a job, or to one frame of it: who tried which tile, when, and how it ended. A
 * tile that nothing happened to has no event: who rendered it is in the record of its frame.
 */
import { Command } from 'commander';
import { paddedFrame, parseFrameRange } from '#shared/domain/frame-range.js';
import { FarmError } from '#shared/errors.js';
import type { FinishedTile__Output } from '#shared/wire/generated/guian/v1/FinishedTile.js';
import type { JobEvent__Output } from '#shared/wire/generated/guian/v1/JobEvent.js';
import { humanDuration } from '../output/human.js';
import { printJson } from '../output/table.js';
import { EXIT, oneLine } from '../process/exit-code.js';
import { addFarmFlags, connectFarm } from '../process/farm-flags.js';
import { interruptible } from '../process/interrupt.js';
import { listFrame } from '../render/list-frames.js';
import { watchJob } from '../render/watch-job.js';

type Options = Readonly<Record<string, unknown>>;

export function eventsCommand(): Command {
  const command = new Command('events')
    .description(
      'Tells what happened to a job, one line per event, oldest first; of a frame that has ended also who rendered each tile.',
    )
    .argument('<id>', 'job id, as "guian jobs" shows it')
    .option('--follow', 'stay until the job has ended; Ctrl-C leaves it running')
    .option('--frame <n>', 'only events of this frame; then, once it has ended, one line per finished tile')
    .option('--tile <n>', 'with --frame: only events of this tile, and who rendered it');
  return addFarmFlags(command).action(async (id: string, options: Options) => {
    process.exitCode = await events(id, options);
  });
}

async function events(jobId: string, options: Options): Promise<number> {
  const frame = parseFrame(options['frame']);
  const tile = parseTile(options['tile'], frame);
  const json = options['json'] === true;
  await using farm = connectFarm(options);
  using interrupt = interruptible('leaving; the job goes on');
  const line = eventLines();
  if (!json) process.stdout.write(line(HEADER));
  const keptOnly = options['follow'] !== true;
  for await (const event of watchJob(farm, jobId, interrupt.signal, { keptOnly })) {
    if (event.kind === 'progress' || (frame !== undefined && event.frame !== frame)) continue;
    if (tile !== undefined && event.tile !== tile) continue;
    if (json) printJson(event);
    else process.stdout.write(line(eventCells(event)));
  }
  if (frame === undefined) return EXIT.done;
  for (const finished of (await listFrame(farm, jobId, frame))?.finishedTiles ?? []) {
    if (tile !== undefined && finished.tile !== tile) continue;
    if (json) printJson({ kind: 'tile_finished', jobId, frame, ...finished });
    else process.stdout.write(finishedTileText(finished));
  }
  return EXIT.done;
}

/** `tile 2: rendered by node X, attempt 1, 1.2s`, as a line; a verified one also says who agreed. */
export function finishedTileText(finished: FinishedTile__Output): string {
  const { tile, nodeId, attempt, renderMs, agreedNodeId } = finished;
  const took = renderMs < 1_000 ? `${renderMs}ms` : humanDuration(renderMs);
  const agreed = agreedNodeId === '' ? '' : `; node ${agreedNodeId} gave the same pixels`;
  return `tile ${tile}: rendered by node ${nodeId}, attempt ${attempt}, ${took}${agreed}\n`;
}

const HEADER: readonly string[] = ['TIME', 'EVENT', 'FRAME', 'TILE', 'TRY', 'NODE', 'MESSAGE'];

export function eventCells(event: JobEvent__Output): readonly string[] {
  return [
    new Date(event.atMs).toISOString(),
    event.kind,
    event.frame === undefined ? '' : paddedFrame(event.frame),
    event.tile === undefined ? '' : String(event.tile),
    event.attempt === undefined ? '' : String(event.attempt),
    event.nodeId,
    event.message,
  ];
}

/** Lines whose columns stand below one another although each is printed as it comes: a column grows, never shrinks. */
export function eventLines(): (cells: readonly string[]) => string {
  const widths = [24, 15, 5, 4, 3, 8];
  return (cells) => {
    const padded = cells.map((cell, column) => {
      const text = oneLine(cell);
      if (column >= widths.length) return text;
      widths[column] = Math.max(widths[column]!, text.length);
      return text.padEnd(widths[column]!);
    });
    return `${padded.join('   ').trimEnd()}\n`;
  };
}

/** @throws USAGE_INVALID */
function parseFrame(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const text = String(value);
  if (/^-?\d{1,7}$/.test(text)) return parseFrameRange(text)[0];
  throw new FarmError(
    'USAGE_INVALID',
    `--frame "${text.slice(0, 80)}": it must be one frame number, such as 12`,
  );
}

/** @throws USAGE_INVALID */
function parseTile(value: unknown, frame: number | undefined): number | undefined {
  if (value === undefined) return undefined;
  const text = String(value);
  const said = `--tile "${text.slice(0, 80)}"`;
  if (!/^\d{1,5}$/.test(text))
    throw new FarmError('USAGE_INVALID', `${said}: it must be the number of one tile, such as 2`);
  if (frame === undefined)
    throw new FarmError('USAGE_INVALID', `${said}: it needs --frame, which says the frame of the tile`);
  return Number(text);
}
