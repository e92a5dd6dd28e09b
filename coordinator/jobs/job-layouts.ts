/** Which frame of a job is cut how (planning/layout.ts), and how many tiles that makes. */
import type { JobRecord } from '#shared/domain/job.js';
import { invariant } from '#shared/invariant.js';
import { type GridLayout, gridLayout, type Layout } from '../planning/layout.js';
import {
  LAYOUTS_PER_JOB_MAX,
  type LayoutRecord,
  type LayoutsRecord,
  NO_LAYOUTS,
  unpackLayout,
} from '../planning/layout-record.js';

export class JobLayouts {
  readonly grid: GridLayout;
  /** Tiles of all frames. */
  tilesTotal: number;
  /** As in the store. */
  stored: LayoutsRecord = NO_LAYOUTS;
  private readonly layouts: Layout[];
  /** Index into `layouts`, by place in the job's frame list; absent: all frames are cut by the grid. */
  private ofFrame: Uint8Array | undefined;
  private readonly framesTotal: number;
  private readonly isLearnable: boolean;

  constructor(record: JobRecord, stored: LayoutsRecord = NO_LAYOUTS) {
    this.grid = gridLayout(record);
    this.layouts = [this.grid];
    this.framesTotal = record.frames.length;
    // What a tile of the synthetic renderer takes is what the job says, whatever its size.
    this.isLearnable = record.tile === 'auto' && record.settings.renderer !== 'synthetic';
    this.tilesTotal = this.framesTotal * this.grid.count;
    for (const layout of stored.layouts) this.add(layout);
  }

  /** @param frameIndex place in the job's frame list. */
  of(frameIndex: number): Layout {
    return this.layouts[this.ofFrame?.[frameIndex] ?? 0]!;
  }

  /** That of frames which are not begun, as a rule. */
  get newest(): Layout {
    return this.layouts.at(-1)!;
  }

  /** Whether frames may be cut otherwise than asked for, and may be once more. */
  get mayChange(): boolean {
    return this.isLearnable && this.layouts.length <= LAYOUTS_PER_JOB_MAX;
  }

  byId(id: number): Layout | undefined {
    return this.layouts[id];
  }

  /** As `JobFrames.addLayout`. */
  add(record: LayoutRecord): void {
    invariant(record.id === this.layouts.length, `layout ${record.id} follows ${this.layouts.length - 1}`);
    const layout = unpackLayout(record);
    this.ofFrame ??= new Uint8Array(this.framesTotal);
    for (const [first, last] of record.frames) {
      for (let index = first; index <= last && index < this.framesTotal; index++) {
        this.tilesTotal += layout.count - this.of(index).count;
        this.ofFrame[index] = record.id;
      }
    }
    this.layouts.push(layout);
    this.stored = { layouts: [...this.stored.layouts, record] };
  }
}
