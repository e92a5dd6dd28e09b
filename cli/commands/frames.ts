/** `guian frames ID`: lists a job's frames; with --out, downloads the finished ones. */
import { join } from 'node:path';
import { Command } from 'commander';
import pLimit from 'p-limit';
import { paddedFrame } from '#shared/domain/frame-range.js';
import { OUTPUT_FORMATS } from '#shared/domain/job.js';
import { FarmError } from '#shared/errors.js';
import { FRAME_STATES, isFrameEnded } from '#shared/state/frame-state.js';
import type { CoordinatorClient } from '#shared/wire/coordinator-client.js';
import type { FrameRecord__Output } from '#shared/wire/generated/guian/v1/FrameRecord.js';
import { humanBytes, humanDuration } from '../output/human.js';
import { printJson, table } from '../output/table.js';
import { EXIT } from '../process/exit-code.js';
import { addFarmFlags, connectFarm } from '../process/farm-flags.js';
import { interruptible } from '../process/interrupt.js';
import { downloadFrame } from '../render/download-frame.js';
import { listFrames } from '../render/list-frames.js';
import { outputFolder } from '../render/output-folder.js';
import { followJob } from './follow-job.js';

type Options = Readonly<Record<string, unknown>>;

const DOWNLOADS_AT_ONCE = 3;
/** Frames that waiting helps; a failed or cancelled one never comes by itself. */
const WAITING_STATES: readonly string[] = FRAME_STATES.filter((state) => !isFrameEnded(state));

export function framesCommand(): Command {
  const command = new Command('frames')
    .description("Lists a job's frames; with --out, downloads the finished ones.")
    .argument('<id>', 'job id, as "guian jobs" shows it')
    .option('--out <dir>', 'download into this folder')
    .option(
      '--format <names>',
      `only these files: ${OUTPUT_FORMATS.join(', ')} (default: all that there are)`,
    )
    .option('--wait', 'wait until the job has ended');
  return addFarmFlags(command).action(async (jobId: string, options: Options) => {
    process.exitCode = await frames(jobId, options);
  });
}

async function frames(jobId: string, options: Options): Promise<number> {
  const formats = parseFormats(options['format']);
  const json = options['json'] === true;
  await using farm = connectFarm(options);
  using interrupt = interruptible('stopping; the job goes on');
  let exitCode: number = EXIT.done;
  if (options['wait'] === true) exitCode = await followJob(farm, jobId, json, interrupt.signal);
  const records = await listFrames(farm, jobId);
  if (options['out'] !== undefined) {
    await download(farm, jobId, records, { folder: String(options['out']), formats, json }, interrupt.signal);
  } else if (json) printJson(records);
  else {
    const header = ['FRAME', 'STATE', 'TILES', 'FILES', 'SIZE', 'CORE TIME', 'NODES'];
    process.stdout.write(table(header, records.map(row)));
  }
  return exitCode;
}

async function download(
  farm: CoordinatorClient,
  jobId: string,
  records: readonly FrameRecord__Output[],
  options: { folder: string; formats: readonly string[]; json: boolean },
  signal: AbortSignal,
): Promise<void> {
  const out = await outputFolder(options.folder);
  const limit = pLimit(DOWNLOADS_AT_ONCE);
  const wanted = records.flatMap((record) =>
    record.files
      .filter((file) => options.formats.length === 0 || options.formats.includes(file.format))
      .map((file) => ({ jobId, frame: record.frame, format: file.format })),
  );
  try {
    await Promise.all(
      wanted.map((address) =>
        limit(async () => {
          signal.throwIfAborted();
          const path = await downloadFrame(farm, address, out.path, signal);
          if (options.json) printJson({ kind: 'frame_written', frame: address.frame, path });
          else process.stdout.write(`${path}\n`);
        }),
      ),
    );
  } finally {
    limit.clearQueue();
    await out.removeIfEmpty();
  }
  if (wanted.length === 0 && records.some((record) => record.files.length > 0)) {
    const there = new Set(records.flatMap((record) => record.files.map((file) => file.format)));
    throw new FarmError(
      'USAGE_INVALID',
      `--format "${options.formats.join(',')}": job ${jobId} wrote no such files; it has ${[...there].join(', ')}`,
    );
  }
  const waiting = records.filter((record) => WAITING_STATES.includes(record.state)).length;
  if (waiting > 0) {
    process.stderr.write(
      `guian: ${waiting} of ${records.length} frames are not finished; "guian frames ${jobId} --wait --out ${join(out.path)}" waits for them\n`,
    );
  }
  const lost = records.filter((record) => record.state === 'failed' || record.state === 'cancelled').length;
  if (lost > 0) {
    process.stderr.write(
      `guian: ${lost} of ${records.length} frames failed or were cancelled; "guian job show ${jobId}" tells more\n`,
    );
  }
}

function parseFormats(value: unknown): readonly string[] {
  if (value === undefined) return [];
  const formats = String(value)
    .split(',')
    .map((item) => item.trim());
  const wrong = formats.find((format) => !(OUTPUT_FORMATS as readonly string[]).includes(format));
  if (wrong !== undefined) {
    throw new FarmError(
      'USAGE_INVALID',
      `--format "${String(value).slice(0, 80)}": it must be a list of ${OUTPUT_FORMATS.join(', ')}, separated by commas`,
    );
  }
  return formats;
}

function row(record: FrameRecord__Output): string[] {
  return [
    paddedFrame(record.frame),
    record.state,
    `${record.tilesDone}/${record.tilesTotal}`,
    record.files.map((file) => file.format).join(','),
    humanBytes(record.files.reduce((sum, file) => sum + file.sizeBytes, 0)),
    humanDuration(record.coreSeconds * 1000),
    record.nodeIds.join(','),
  ];
}
