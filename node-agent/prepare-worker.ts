/**
 * Entry of the preparation thread: a frame's scene is loaded, flattened and given its BVH here, once per node and frame,
 * while the slots render. It also finds out which renderers load on this node, for the heartbeat.
 */
import { attemptFailure } from './attempt-failure.js';
import type { PrepareAnswer, PrepareTask } from './render-task.js';
import { describeModules } from './renderers/load-module.js';
import { NO_PROGRAMS } from './renderers/program/program.js';
import { describeOwnRenderers, loadRenderer } from './renderers/registry.js';
import { sharedBytesOf } from './shared-bytes.js';
import { captureThreadOutput, takeThreadOutput } from './thread-output.js';
import { begin, type ControlBlock, end } from './tile-control.js';

captureThreadOutput();

/** One frame. What the renderer throws is an answer: the scene, not the thread, is at fault. */
export async function prepare({
  task,
  control,
}: {
  readonly task: PrepareTask;
  readonly control: ControlBlock;
}): Promise<PrepareAnswer> {
  begin(control);
  try {
    const renderer = await loadRenderer(task.renderer, task.rendererVersion, task.programs ?? NO_PROGRAMS);
    const prepared = await renderer.prepare(task);
    return { kind: 'prepared', prepared, sharedBytes: sharedBytesOf(prepared) };
  } catch (error) {
    return { kind: 'failed', ...attemptFailure(error, takeThreadOutput()) };
  } finally {
    end(control);
  }
}

export { describeModules, describeOwnRenderers };

/** Makes the pool start a thread where one is missing. */
export function ping(): void {}
