/** One renderer under test with its scenes, laid out as on a node: a read-only package, slots with scratch folders. */
import { readlinkSync, realpathSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { expect } from 'vitest';
import { markedProcesses } from '#node-agent/renderers/program/process-tree.js';
import { MARK } from '#node-agent/renderers/program/program-command.js';
import type {
  FrameRequest,
  LocalScene,
  PreparedFrame,
  RenderedTile,
  Session,
  TileControl,
} from '#node-agent/renderers/renderer.js';
import { type RenderSettings, renderSettingsSchema } from '#shared/domain/job.js';
import type { LayerPixels } from '#shared/domain/layers.js';
import type { Region } from '#shared/domain/region.js';
import { makeSlot } from '#tests/support/session.js';
import { HEIGHT_PX, WHOLE, WIDTH_PX } from './pixels.js';
import type { MakeSubject, Subject } from './subject.js';
import { WatchedControl } from './watched-control.js';

export const FRAME = 1;
export const OTHER_FRAME = 12;

export interface Wanted {
  readonly region?: Region;
  readonly frame?: number;
  readonly scene?: LocalScene;
  readonly settings?: Partial<RenderSettings>;
  readonly control?: TileControl;
}

export interface Slot extends AsyncDisposable {
  readonly session: Session;
  readonly scratchFolder: string;
  /** The renderer's own programs that run for this slot, without what keeps them in. */
  programs(): number[];
}

export class TestBed implements AsyncDisposable {
  readonly subject: Subject;
  /** What the scene's package held before anything was rendered. */
  packageBefore: Readonly<Record<string, string>> = {};
  readonly #folder: string;
  /** A node prepares each frame once, for all of its slots. */
  readonly #prepared = new Map<string, Promise<PreparedFrame>>();

  static async make(makeSubject: MakeSubject): Promise<TestBed> {
    const folder = await mkdtemp(join(tmpdir(), 'guian-conformance-'));
    try {
      const bed = new TestBed(await makeSubject(folder), folder);
      await bed.#eachPath((path, isFolder) => chmod(path, isFolder ? 0o555 : 0o444));
      bed.packageBefore = await bed.package();
      return bed;
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(subject: Subject, folder: string) {
    this.subject = subject;
    this.#folder = folder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#eachPath((path, isFolder) => (isFolder ? chmod(path, 0o755) : Promise.resolve()));
    await rm(this.#folder, { recursive: true, force: true });
  }

  settings(more: Partial<RenderSettings> = {}): RenderSettings {
    const { renderer, layers, settings } = this.subject;
    return renderSettingsSchema.parse({
      ...{ renderer: renderer.name, widthPx: WIDTH_PX, heightPx: HEIGHT_PX, layers },
      ...settings,
      ...more,
    });
  }

  /** A package of one file under the name of the subject's scene. */
  async sceneOf(content: Uint8Array | string): Promise<LocalScene> {
    await chmod(this.#folder, 0o755);
    const folder = await mkdtemp(join(this.#folder, 'other-'));
    const { entry } = this.subject.scene;
    await mkdir(dirname(join(folder, entry)), { recursive: true });
    await writeFile(join(folder, entry), content);
    return { folder, entry };
  }

  sceneBytes(): Promise<Buffer> {
    const { folder, entry } = this.subject.scene;
    return readFile(join(folder, entry));
  }

  /** What the package holds: paths, sizes and times. */
  async package(): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    await this.#eachPath(async (path) => {
      const { size, mtimeMs, ctimeMs, mode } = await stat(path);
      found[relative(this.subject.scene.folder, path)] = `${size} ${mtimeMs} ${ctimeMs} ${mode}`;
    }, this.subject.scene.folder);
    return found;
  }

  /** @param fresh  as another node would. */
  async prepare(request: FrameRequest, isFresh = false): Promise<PreparedFrame> {
    const key = JSON.stringify(request);
    const made = isFresh ? undefined : this.#prepared.get(key);
    const prepared = made ?? this.subject.renderer.prepare(request);
    if (!isFresh) this.#prepared.set(key, prepared);
    // It crosses threads.
    return structuredClone(await prepared);
  }

  /** Prepares the frame where it is not, and renders one tile. */
  async render({ session }: Slot, wanted: Wanted = {}, isFresh = false): Promise<RenderedTile> {
    const { region = WHOLE, frame = FRAME, scene = this.subject.scene } = wanted;
    const request = { scene, settings: this.settings(wanted.settings), frame };
    const prepared = await this.prepare(request, isFresh);
    return session.render({ ...request, region, prepared }, wanted.control ?? new WatchedControl());
  }

  async layers(slot: Slot, wanted: Wanted = {}, isFresh = false): Promise<readonly LayerPixels[]> {
    return (await this.render(slot, wanted, isFresh)).layers;
  }

  /** Its end checks that nothing of the session is left, whatever was done to it. */
  async openSlot(slotMemoryBytes?: number): Promise<Slot> {
    const context = await makeSlot(slotMemoryBytes);
    const { scratchFolder } = context;
    const processes = () => markedProcesses(MARK, scratchFolder);
    const session = await this.subject.renderer.open(context);
    return {
      session,
      scratchFolder,
      programs: () => processes().filter((pid) => isProgram(pid, this.subject.program?.executable)),
      [Symbol.asyncDispose]: async () => {
        await using _ = context;
        await session.close();
        expect(processes(), 'processes of a closed session').toEqual([]);
        expect(await readdir(scratchFolder), 'files of a closed session').toEqual([]);
      },
    };
  }

  async #eachPath(
    act: (path: string, isFolder: boolean) => Promise<void>,
    folder = this.#folder,
  ): Promise<void> {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
      await act(join(entry.parentPath, entry.name), entry.isDirectory());
    await act(folder, true);
  }
}

function isProgram(pid: number, executable: string | undefined): boolean {
  if (executable === undefined) return false;
  try {
    return readlinkSync(`/proc/${pid}/exe`) === realpathSync(executable);
  } catch {
    return false; // ended meanwhile
  }
}
