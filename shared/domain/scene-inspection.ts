/**
 * What a scene file says of itself, as its own renderer reads it: how it wants to be rendered, every file that it needs,
 * and what stands in the way. Made on the client where the renderer is installed, else on a node.
 */
import { z } from 'zod';
import { LIMITS } from '../limits.js';
import { layerNameSchema } from './layers.js';
import { rendererNameSchema } from './renderers.js';

const text = z.string().max(4096);
const texts = z.array(text).max(LIMITS.packageFilesMax);

export const sceneFileSchema = z.object({
  /** Relative to the package's root, `/`-separated; undefined when it is no possible package path. */
  path: text.optional(),
  /** As the scene has it. */
  reference: text,
  /** Who needs it, e.g. `image "bark"`. */
  what: text,
  /**
   * `missing`: nothing is there. `outside`: below the file system, not in the package as it is (a client may widen the
   * package's root to have it inside). `found` otherwise.
   */
  state: z.enum(['found', 'missing', 'outside']),
  sizeBytes: z.number().min(0),
});
export type SceneFile = Readonly<z.infer<typeof sceneFileSchema>>;

/** Problems that what the user asks for may settle: another size, a camera by name. */
export type ProblemCode = 'FRAME_TOO_LARGE' | 'CAMERA_MISSING';

export const sceneInspectionSchema = z.object({
  renderer: rendererNameSchema,
  /** Of the renderer that read it; empty for gltf. */
  rendererVersion: z.string().max(128),
  /** e.g. `3.4.1`: what the file was saved with; empty where a format does not say. */
  savedWith: z.string().max(64),
  /** e.g. `1-24`. */
  frames: text,
  fps: z.number().min(0),
  widthPx: z.int().min(0),
  heightPx: z.int().min(0),
  samples: z.int().min(0),
  scene: text,
  scenes: texts,
  /** The one that is rendered; empty: none. */
  camera: text,
  cameras: texts,
  viewLayers: texts,
  /** That the scene enables, `beauty` first. */
  layers: z.array(layerNameSchema),
  files: z.array(sceneFileSchema).max(LIMITS.packageFilesMax),
  /** Tile size that renders least twice, where the pixels depend on the cut; empty: any does. */
  tile: z.string().max(16).default(''),
  /** What the farm does otherwise than the file asks, e.g. adaptive sampling is off. */
  notices: texts,
  /** Scripts and drivers that the scene needs and that do not run unless the studio's policy allows it. */
  scripts: texts,
  /** Why it cannot be rendered as it is; each one line with the way out. Missing files are in `files` alone. */
  problems: texts,
  /** `ProblemCode` of each problem, in their order; empty or absent: it has none. */
  problemCodes: z.array(z.string().max(64)).max(LIMITS.packageFilesMax).optional(),
});
export type SceneInspection = Readonly<z.infer<typeof sceneInspectionSchema>>;
