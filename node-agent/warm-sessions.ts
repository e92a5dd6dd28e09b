/**
 * The sessions that a slot's thread keeps warm from tile to tile, one per renderer and version, each with a scratch
 * folder of its own. A program of a session may hold gigabytes, so few are kept, and none that has not been used for long.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { messageOf } from '#shared/errors.js';
import type { FrameContext, RenderThreadData } from './render-task.js';
import { NO_PROGRAMS } from './renderers/program/program.js';
import { loadRenderer, rendererLabel } from './renderers/registry.js';
import type { Session } from './renderers/renderer.js';
import { scratchPrefix } from './scratch-folder.js';

/** Jobs of as many renderers may take turns in a slot without opening their scenes anew each time. */
const SESSIONS_KEPT = 3;
/** Opening a scene takes seconds; memory that others need is held no longer than this. */
const IDLE_MS_MAX = 60_000;

export interface WarmSession {
  /** e.g. `blender 3.4.1+…` */
  readonly label: string;
  readonly session: Session;
}

interface Entry {
  readonly opening: Promise<WarmSession & { readonly scratchFolder: string }>;
  usedAtMs: number;
}

export class WarmSessions {
  readonly #data: RenderThreadData;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();

  constructor(data: RenderThreadData) {
    this.#data = data;
  }

  /** @throws RENDERER_MISSING, and what the renderer's `open` throws; the next call tries again. */
  async get(context: FrameContext): Promise<WarmSession> {
    const key = `${context.renderer} ${context.rendererVersion ?? ''}`;
    const entry = this.#entries.get(key) ?? { opening: this.#open(context), usedAtMs: 0 };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.usedAtMs = performance.now();
    try {
      await this.#closeIdle(entry.usedAtMs);
      return await entry.opening;
    } catch (error) {
      this.#entries.delete(key);
      throw error;
    }
  }

  /** All of them. */
  async close(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    await Promise.all(entries.map(closeEntry));
  }

  async #open({ renderer: name, rendererVersion, programs = NO_PROGRAMS }: FrameContext) {
    const renderer = await loadRenderer(name, rendererVersion, programs);
    const scratchFolder = await mkdtemp(join(this.#data.scratchFolder, scratchPrefix(threadId)));
    try {
      const session = await renderer.open({ slotMemoryBytes: this.#data.slotMemoryBytes, scratchFolder });
      return { label: rendererLabel(renderer), session, scratchFolder };
    } catch (error) {
      await rm(scratchFolder, { recursive: true, force: true });
      throw error;
    }
  }

  async #closeIdle(nowMs: number): Promise<void> {
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= SESSIONS_KEPT && nowMs - entry.usedAtMs <= IDLE_MS_MAX) continue;
      this.#entries.delete(key);
      await closeEntry(entry);
    }
  }
}

/** What goes wrong in it is in the thread's log: the tile that comes next has no part in it. */
async function closeEntry({ opening }: Entry): Promise<void> {
  try {
    const { session, scratchFolder } = await opening;
    try {
      await session.close();
    } finally {
      await rm(scratchFolder, { recursive: true, force: true, maxRetries: 3 });
    }
  } catch (error) {
    process.stderr.write(`a session did not close: ${messageOf(error)}\n`);
  }
}
