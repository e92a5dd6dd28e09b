/**
 * When a file was last asked for, kept as its modification time so that it outlives a restart. A use and a removal of the
 * same file wait for one another: what was said to be there is not gone a moment later.
 */
import { rm, stat, utimes } from 'node:fs/promises';

/** A use is written down at most so often: a farm that downloads a texture to a thousand nodes writes it once. */
const RECORDED_EVERY_MS = 3_600_000;
const NOT_OURS = new Set(['EPERM', 'EACCES', 'EROFS']);

export class FileUses {
  /** How many are asking for a file this moment. */
  private readonly asking = new Map<string, number>();
  /** Files of another owner, whose time cannot be set: used in this run, so kept in this run. */
  private readonly kept = new Set<string>();
  private readonly removing = new Map<string, Promise<boolean>>();

  /** Notes a use. @returns the file's size; nothing when it is not there. */
  async sizeOf(path: string): Promise<number | undefined> {
    while (this.removing.has(path)) await this.removing.get(path)?.catch(() => false);
    this.asking.set(path, (this.asking.get(path) ?? 0) + 1);
    try {
      const found = await statOf(path);
      if (found && Date.now() - found.mtimeMs >= RECORDED_EVERY_MS) await this.record(path);
      return found?.size;
    } finally {
      const others = this.asking.get(path)! - 1;
      if (others > 0) this.asking.set(path, others);
      else this.asking.delete(path);
    }
  }

  /** @returns whether it was there and is gone. */
  async removeUnused(path: string, unusedSinceMs: number): Promise<boolean> {
    // Whoever asks from here on waits for the answer; whoever asked before may have looked already.
    if (this.asking.has(path) || this.kept.has(path) || this.removing.has(path)) return false;
    const removal = this.remove(path, unusedSinceMs).finally(() => this.removing.delete(path));
    this.removing.set(path, removal);
    return removal;
  }

  private async record(path: string): Promise<void> {
    const now = new Date();
    try {
      await utimes(path, now, now);
    } catch (error) {
      if (!NOT_OURS.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      this.kept.add(path);
    }
  }

  private async remove(path: string, unusedSinceMs: number): Promise<boolean> {
    const found = await statOf(path);
    if (!found || found.mtimeMs > unusedSinceMs) return false;
    await rm(path, { force: true });
    return true;
  }
}

export async function sizeOfFile(path: string): Promise<number | undefined> {
  return (await statOf(path))?.size;
}

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
