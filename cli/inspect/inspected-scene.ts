/** What is known of a scene on this machine before anything is sent to render it. */
import type { SceneInspection } from '#shared/domain/scene-inspection.js';

export interface InspectedScene {
  /** Absolute folder: where the package begins. */
  readonly root: string;
  /** The scene file, from `root`, `/`-separated. */
  readonly entry: string;
  /** Paths of its files are from `root`. */
  readonly inspection: SceneInspection;
  /** Who read it: the program on this machine, our own code, or a node of the farm. */
  readonly readBy: 'program' | 'guian' | 'node';
}

export interface InspectQuestion {
  /** Absolute path of the scene file. */
  readonly scene: string;
  /** `--root`, absolute; absent: as high as its files need. */
  readonly givenRoot?: string | undefined;
  readonly allowScripts: boolean;
  /** Scene inside the file; absent: the one that the file shows. */
  readonly sceneName?: string | undefined;
}
