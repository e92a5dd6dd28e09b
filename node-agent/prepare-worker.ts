/**
 * Entry of the preparation thread: a frame's scene is loaded, flattened and given its BVH here, once per node and frame,
 * while the slots render. It also knows which renderers load on this node, for the heartbeat.
 */
import { attemptFailure } from './attempt-failure.js';
import type { PrepareAnswer, PrepareTask } from './render-task.js';
import { describeRenderers, loadRenderer } from './renderers/registry.js';
import { captureThreadOutput, takeThreadOutput } from './thread-output.js';

captureThreadOutput();

/** One frame. What the renderer throws is an answer: the scene, not the thread, is at fault. */
export async function prepare(task: PrepareTask): Promise<PrepareAnswer> {
  try {
    const renderer = await loadRenderer(task.renderer);
    return { kind: 'prepared', prepared: await renderer.prepare(task) };
  } catch (error) {
    return { kind: 'failed', ...attemptFailure(error, takeThreadOutput()) };
  }
}

export const describe = describeRenderers;
