/** How a running job is shown: a bar on a terminal, plain lines elsewhere, one JSON object per line with --json. */
import cliProgress from 'cli-progress';
import { paddedFrame } from '#shared/domain/frame-range.js';
import type { JobEvent__Output } from '#shared/wire/generated/guian/v1/JobEvent.js';
import type { JobProgress__Output } from '#shared/wire/generated/guian/v1/JobProgress.js';
import { clockTime, perSecond } from '../output/human.js';
import { printJson } from '../output/table.js';
import { oneLine } from '../process/exit-code.js';

export interface Progress {
  event(event: JobEvent__Output): void;
  frameWritten(frame: number, paths: readonly string[]): void;
  notice(line: string): void;
  /** The display is cleared away; what is printed next starts on a clean line. */
  end(): void;
}

const PLAIN_EVERY_MS = 10_000;
/** Events that a person wants to read while it runs. */
const TOLD: ReadonlySet<string> = new Set([
  'attempt_failed',
  'tile_failed',
  'frame_failed',
  'result_rejected',
  'node_lost',
  'repaired',
  'paused',
  'resumed',
  'warning',
]);

export function createProgress(options: { json: boolean }): Progress {
  if (options.json) return jsonProgress();
  return process.stderr.isTTY ? barProgress() : plainProgress();
}

function jsonProgress(): Progress {
  return {
    event: (event) => printJson(event),
    frameWritten: (frame, paths) => printJson({ kind: 'frame_written', frame, paths }),
    notice: (line) => process.stderr.write(`guian: ${line}\n`),
    end: () => undefined,
  };
}

function plainProgress(): Progress {
  const rate = tileRate();
  let saidAtMs = Date.now();
  const say = (line: string): void => {
    process.stderr.write(`${oneLine(line)}\n`);
  };
  return {
    event(event) {
      if (TOLD.has(event.kind)) say(eventText(event));
      if (!event.progress) return;
      rate.update(event.progress);
      if (Date.now() - saidAtMs < PLAIN_EVERY_MS) return;
      saidAtMs = Date.now();
      const { tilesDone, tilesTotal, framesFinished, framesTotal } = event.progress;
      say(
        `tiles ${tilesDone}/${tilesTotal}, frames ${framesFinished}/${framesTotal}, ${rate.text()}, ${rate.left()} left`,
      );
    },
    frameWritten: (frame, paths) => say(`frame ${paddedFrame(frame)}: ${paths.join(', ')}`),
    notice: say,
    end: () => undefined,
  };
}

function barProgress(): Progress {
  const rate = tileRate();
  const bar = new cliProgress.SingleBar({
    stream: process.stderr,
    format: '{bar} {percentage}% | tiles {value}/{total} | frames {frames} | {rate} | {left} left',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    fps: 8,
  });
  let isStarted = false;
  const notes: string[] = [];
  return {
    event(event) {
      // Notes are printed when the bar is gone: lines in between would tear it.
      if (TOLD.has(event.kind) && notes.length < 20) notes.push(eventText(event));
      if (!event.progress) return;
      rate.update(event.progress);
      const { tilesDone, tilesTotal, framesFinished, framesTotal } = event.progress;
      const payload = { frames: `${framesFinished}/${framesTotal}`, rate: rate.text(), left: rate.left() };
      if (isStarted) bar.update(tilesDone, payload);
      else bar.start(tilesTotal, tilesDone, payload);
      isStarted = true;
    },
    frameWritten: () => undefined,
    notice: (line) => void notes.push(line),
    end() {
      if (isStarted) bar.stop();
      for (const note of notes.splice(0)) process.stderr.write(`${oneLine(note)}\n`);
    },
  };
}

export function eventText(event: JobEvent__Output): string {
  const where = [
    event.frame !== undefined ? `frame ${paddedFrame(event.frame)}` : '',
    event.tile !== undefined ? `tile ${event.tile}` : '',
    event.attempt !== undefined ? `attempt ${event.attempt}` : '',
    event.nodeId ? `on ${event.nodeId}` : '',
  ].filter((part) => part !== '');
  const head = `${event.kind.replaceAll('_', ' ')}${where.length > 0 ? `: ${where.join(' ')}` : ''}`;
  return event.message ? `${head}: ${event.message}` : head;
}

/** Tiles per second over the last part of the job, since the first tiles say little about the others. */
function tileRate() {
  const WINDOW_MS = 15_000;
  const seen: { atMs: number; done: number }[] = [];
  let remaining = 0;
  const span = () => ({
    ms: (seen.at(-1)?.atMs ?? 0) - (seen[0]?.atMs ?? 0),
    tiles: (seen.at(-1)?.done ?? 0) - (seen[0]?.done ?? 0),
  });
  return {
    update(progress: JobProgress__Output) {
      const nowMs = Date.now();
      seen.push({ atMs: nowMs, done: progress.tilesDone });
      while (seen.length > 2 && nowMs - seen[0]!.atMs > WINDOW_MS) seen.shift();
      remaining = progress.tilesTotal - progress.tilesDone - progress.tilesFailed;
    },
    text: () => perSecond(span().tiles, span().ms, 'tiles'),
    left() {
      const { ms, tiles } = span();
      return tiles > 0 ? clockTime((remaining * ms) / tiles / 1000) : '–';
    },
  };
}
