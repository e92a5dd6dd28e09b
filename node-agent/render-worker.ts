/**
 * Entry of a slot's thread: region → float32 layers through the renderer's warm session → encoded bytes and their
 * digest. Failures are answers, not exceptions: only what the renderer throws outside its promise ends the thread.
 */
import { createHash } from 'node:crypto';
import { threadId, workerData } from 'node:worker_threads';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { type Region, regionHeightPx, regionWidthPx } from '#shared/domain/region.js';
import { errorCodeOf } from '#shared/errors.js';
import { encodeTile } from '#shared/image/tile-codec.js';
import { attemptFailure } from './attempt-failure.js';
import { MemoryGuard } from './memory-guard.js';
import type { FrameContext, RenderAnswer, RenderReply, RenderTask, RenderThreadData } from './render-task.js';
import type { ProcessUse } from './renderers/renderer.js';
import { threadCpuSeconds } from './thread-cpu-time.js';
import { meet, type ThreadMeeting } from './thread-meeting.js';
import { captureThreadOutput, takeThreadOutput } from './thread-output.js';
import { begin, type ControlBlock, controlOf, end } from './tile-control.js';
import { WarmSessions } from './warm-sessions.js';

/** Frames whose context a thread keeps: the one at work, the next, and one of another job. */
const CONTEXTS_KEPT = 3;
/** Below this a copy is cheaper than handing the buffer over. */
const MOVE_BYTES_MIN = 16 * 1024;

captureThreadOutput();
const data = workerData as RenderThreadData;
const memory = new MemoryGuard(data.slotMemoryBytes);
const contexts = new Map<string, FrameContext>();
const sessions = new WarmSessions(data);

/** Makes the pool start a thread where one is missing. */
export function ping(): void {}

/** The scenes that this thread holds open are let go. Call it by `ThreadPool.runInEach`. */
export async function closeSessions(meeting: ThreadMeeting): Promise<void> {
  await sessions.close();
  meet(meeting);
}

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
  const cost = (ofPrograms?: ProcessUse) => ({
    renderMs: performance.now() - startMs,
    coreSeconds: Math.max(0, threadCpuSeconds() - startCpu) + (ofPrograms?.coreSeconds ?? 0),
    peakMemoryBytes: Math.max(memory.peakBytes(), ofPrograms?.peakMemoryBytes ?? 0),
  });
  let label: string = context.renderer;
  try {
    // Opening a session counts: code that never comes back from it must not keep the slot for ever.
    memory.begin();
    begin(control);
    const { session, label: loaded } = await sessions.get(context);
    label = loaded;
    const request = { ...context, region };
    const { layers, use } = await session.render(request, controlOf(control, memory));
    const bytes = encodeTile(layers, regionWidthPx(region), regionHeightPx(region));
    const digest = createHash('sha256').update(bytes).digest('hex');
    return { kind: 'rendered', threadId, renderer: label, bytes, digest, ...cost(use) };
  } catch (error) {
    if (errorCodeOf(error) === 'RENDER_CANCELLED') return { kind: 'cancelled', threadId };
    const failure = { ...attemptFailure(error, takeThreadOutput()), ...cost(useOf(error)) };
    // What a renderer does not let go of would be held against every tile to come; the block tells what it was.
    if (failure.code === 'TILE_MEMORY_LIMIT' && memory.isStuck(control)) process.exit(1);
    return { kind: 'failed', threadId, renderer: label, ...failure };
  } finally {
    end(control);
  }
}

/** A failed attempt has its cost too. */
function useOf(error: unknown): ProcessUse | undefined {
  const { use } = (error ?? {}) as { use?: Partial<ProcessUse> };
  const { coreSeconds, peakMemoryBytes } = use ?? {};
  if (!Number.isFinite(coreSeconds) || !Number.isSafeInteger(peakMemoryBytes)) return undefined;
  return { coreSeconds: coreSeconds!, peakMemoryBytes: peakMemoryBytes! };
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
