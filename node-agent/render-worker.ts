/**
 * Entry of a slot's thread: region → float32 layers through the renderer's warm session → encoded bytes and their
 * digest. Failures are answers, not exceptions: only what the renderer throws outside its promise ends the thread.
 */
import { createHash } from 'node:crypto';
import { threadId, workerData } from 'node:worker_threads';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import type { RendererName } from '#shared/domain/job.js';
import { type Region, regionHeightPx, regionWidthPx } from '#shared/domain/region.js';
import { FarmError } from '#shared/errors.js';
import { encodeTile } from '#shared/image/tile-codec.js';
import { attemptFailure } from './attempt-failure.js';
import { MemoryGuard } from './memory-guard.js';
import type { FrameContext, RenderAnswer, RenderReply, RenderTask, RenderThreadData } from './render-task.js';
import { loadRenderer, rendererLabel } from './renderers/registry.js';
import type { Renderer, Session } from './renderers/renderer.js';
import { threadCpuSeconds } from './thread-cpu-time.js';
import { captureThreadOutput, takeThreadOutput } from './thread-output.js';
import { begin, type ControlBlock, controlOf, end } from './tile-control.js';

/** Frames whose context a thread keeps: the one at work, the next, and one of another job. */
const CONTEXTS_KEPT = 3;
/** Below this a copy is cheaper than handing the buffer over. */
const MOVE_BYTES_MIN = 16 * 1024;

interface WarmRenderer {
  readonly renderer: Renderer;
  readonly label: string;
  readonly session: Session;
}

captureThreadOutput();
const memory = new MemoryGuard((workerData as RenderThreadData).slotMemoryBytes);
const contexts = new Map<string, FrameContext>();
const warm = new Map<RendererName, Promise<WarmRenderer>>();

/** Makes the pool start a thread where one is missing. */
export function ping(): void {}

/** One task. */
export default async function renderTask(task: RenderTask): Promise<RenderReply> {
  const context = contextOf(task);
  if (!context) return { kind: 'context_missing', threadId };
  const answers: RenderAnswer[] = [];
  for (const { region, control } of task.tiles) answers.push(await renderTile(context, region, control));
  return moved({ kind: 'answers', threadId, answers });
}

async function renderTile(
  context: FrameContext,
  region: Region,
  control: ControlBlock,
): Promise<RenderAnswer> {
  const startMs = performance.now();
  const startCpu = threadCpuSeconds();
  const cost = () => ({
    renderMs: performance.now() - startMs,
    coreSeconds: Math.max(0, threadCpuSeconds() - startCpu),
    peakMemoryBytes: memory.peakBytes(),
  });
  let label: string = context.renderer;
  try {
    const { session, label: loaded } = await warmRenderer(context.renderer);
    label = loaded;
    const request = { ...context, region };
    memory.begin();
    begin(control);
    const { layers } = await session.render(request, controlOf(control, memory));
    const bytes = encodeTile(layers, regionWidthPx(region), regionHeightPx(region));
    const digest = createHash('sha256').update(bytes).digest('hex');
    return { kind: 'rendered', threadId, renderer: label, bytes, digest, ...cost() };
  } catch (error) {
    if (error instanceof FarmError && error.code === 'RENDER_CANCELLED')
      return { kind: 'cancelled', threadId };
    const failure = { ...attemptFailure(error, takeThreadOutput()), ...cost() };
    // What a renderer does not let go of would be held against every tile to come; the block tells what it was.
    if (failure.code === 'TILE_MEMORY_LIMIT' && memory.isStuck(control)) process.exit(1);
    return { kind: 'failed', threadId, renderer: label, ...failure };
  } finally {
    end(control);
  }
}

function contextOf(task: RenderTask): FrameContext | undefined {
  const context = task.context ?? contexts.get(task.key);
  if (!context) return undefined;
  // Re-inserted last: the map's order is the order of use.
  contexts.delete(task.key);
  contexts.set(task.key, context);
  for (const key of contexts.keys()) {
    if (contexts.size <= CONTEXTS_KEPT) break;
    contexts.delete(key);
  }
  return context;
}

function warmRenderer(name: RendererName): Promise<WarmRenderer> {
  const known = warm.get(name);
  if (known) return known;
  const opening = loadRenderer(name).then(async (renderer) => ({
    renderer,
    label: rendererLabel(renderer),
    session: await renderer.open(),
  }));
  warm.set(name, opening);
  // A failed opening is tried again with the next tile.
  opening.catch(() => warm.delete(name));
  return opening;
}

/** Hands the large buffers over instead of copying them. */
function moved(reply: Extract<RenderReply, { kind: 'answers' }>): RenderReply {
  const buffers = reply.answers.flatMap((answer) =>
    answer.kind === 'rendered' &&
    answer.bytes.byteLength >= MOVE_BYTES_MIN &&
    answer.bytes.byteLength === answer.bytes.buffer.byteLength
      ? [answer.bytes.buffer]
      : [],
  );
  if (buffers.length === 0) return reply;
  return move({ [transferableSymbol]: buffers, [valueSymbol]: reply } as never) as unknown as RenderReply;
}
