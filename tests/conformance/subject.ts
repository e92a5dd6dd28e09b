/** What a renderer brings along to be tested: itself, and scenes of its own kind. */
import type { LocalScene, Renderer } from '#node-agent/renderers/renderer.js';
import type { RenderSettings } from '#shared/domain/job.js';
import type { LayerName } from '#shared/domain/layers.js';

export interface Subject {
  readonly renderer: Renderer;
  /** Every layer that it has. */
  readonly layers: readonly LayerName[];
  /**
   * Alone in its folder with what it needs, with detail all over a picture of 48x32 px, other pixels in frame 12 than in
   * frame 1, and worthless when its second half is missing.
   */
  readonly scene: LocalScene;
  readonly settings?: Partial<RenderSettings>;
  /** One tile takes far longer than any test. */
  readonly slow: { readonly scene?: LocalScene; readonly settings: Partial<RenderSettings> };
  /** Where it renders in processes of its own. */
  readonly program?: {
    readonly executable: string;
    /** Less than the program takes for anything. */
    readonly tinySlotBytes: number;
  };
}

/** @param folder  empty; scenes go below it, and it goes with the suite. */
export type MakeSubject = (folder: string) => Promise<Subject>;
