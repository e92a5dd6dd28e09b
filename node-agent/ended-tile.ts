/** What became of a tile that gave no answer of its own: it was stopped, or its thread ended under it. */
import { messageOf } from '#shared/errors.js';
import { isHeapExhausted } from './attempt-failure.js';
import type { AttemptFailure, FrameContext, RenderAnswer } from './render-task.js';
import { memoryMessage } from './slot-memory.js';
import { type ControlBlock, excessBytes } from './tile-control.js';
import type { TileWatch, Verdict } from './tile-watch.js';

interface EndedTile {
  readonly context: FrameContext;
  readonly control: ControlBlock;
  readonly watch: TileWatch;
  readonly cancelledAtMs: number | undefined;
  readonly verdict: Verdict | undefined;
}

const NO_THREAD = -1;
/** Handed back, such a tile would come again and again, and never count as tried. */
const UNASKED = { code: 'RENDER_FAILED', message: 'the renderer stopped it as cancelled, which it was not' };

/** Cancelled by others, which is nobody's fault, or judged by the pool, which is a failed attempt. */
export function stopped(tile: EndedTile): RenderAnswer {
  const { verdict, watch } = tile;
  if (tile.cancelledAtMs !== undefined) return { kind: 'cancelled', threadId: NO_THREAD };
  const { code, message } = verdict ?? UNASKED;
  return failed(tile, { code, message }, watch.elapsedMs(performance.now()));
}

/** @param elapsedMs since it was handed to the thread. */
export function endedThread(
  tile: EndedTile,
  error: unknown,
  slotBytes: number,
  elapsedMs: number,
): RenderAnswer {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const excess = excessBytes(tile.control);
  if (excess > 0) {
    const message = `${memoryMessage('its slot', excess, slotBytes)}, and kept it; its thread was ended`;
    return failed(tile, { code: 'TILE_MEMORY_LIMIT', message }, elapsedMs);
  }
  if (isHeapExhausted(error)) {
    const message = 'it outgrew the JS heap of its thread, which was ended (--slot-memory of the agent)';
    return failed(tile, { code: 'TILE_MEMORY_LIMIT', message }, elapsedMs, stack);
  }
  const message = `the tile ended its thread: ${messageOf(error)}`;
  return failed(tile, { code: 'RENDER_FAILED', message }, elapsedMs, stack);
}

/** Time in a thread is taken for time on a core: the thread that knew better is gone. */
function failed(
  { context, watch }: EndedTile,
  failure: Pick<AttemptFailure, 'code' | 'message'>,
  renderMs: number,
  logTail = '',
): RenderAnswer {
  const cost = { renderMs, coreSeconds: renderMs / 1000 };
  const known = watch.memoryBytes > 0 ? { ...cost, peakMemoryBytes: watch.memoryBytes } : cost;
  return {
    kind: 'failed',
    threadId: NO_THREAD,
    renderer: context.renderer,
    ...failure,
    logTail,
    permanent: false,
    ...known,
  };
}
