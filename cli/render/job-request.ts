/** Flags, package and what the scene says of itself → the request that the coordinator takes. */
import { isProgram } from '#shared/domain/renderers.js';
import { DEFAULTS } from '#shared/limits.js';
import type { JobSpec } from '#shared/wire/generated/guian/v1/JobSpec.js';
import type { RenderFlags } from './render-flags.js';
import type { ScenePackage } from './scene-package.js';
import { jobSchedule } from './schedule-flags.js';

/**
 * What the flags leave open comes from the inspection; of a glTF scene it is 0 or empty here, and filled in by the
 * coordinator, which judges it anyway.
 */
export function jobRequest(flags: RenderFlags, scene: ScenePackage): JobSpec {
  const own = ownOf(scene);
  return {
    name: flags.name ?? '',
    studio: flags.studio,
    manifest: { entry: scene.manifest.entry, files: scene.manifest.files.map((file) => ({ ...file })) },
    frames: flags.frames || own.frames,
    tile: flags.tile === 'auto' ? own.tile || 'auto' : flags.tile,
    maxAttempts: flags.maxAttempts,
    verify: flags.verify,
    tileTimeLimitMs: flags.tileTimeout,
    rendererVersion: flags.rendererVersion ?? '',
    schedule: jobSchedule(flags),
    settings: {
      renderer: scene.renderer,
      ...(flags.size.widthPx > 0 ? flags.size : { widthPx: own.widthPx, heightPx: own.heightPx }),
      samples: flags.samples || own.samples,
      seed: flags.seed,
      fps: flags.fps || own.fps,
      camera: flags.camera ?? own.camera,
      scene: flags.scene ?? own.scene,
      viewLayer: flags.viewLayer ?? '',
      animation: flags.animation ?? '',
      environment: { ...scene.environment },
      ...(flags.exposure !== undefined && { exposureEv: flags.exposure }),
      view: flags.view ?? '',
      layers: flags.layers.length > 0 ? flags.layers : [...own.layers],
      formats: flags.format,
      synthetic: { costMsPerTile: flags.cost },
      threadsPerSlot: flags.threadsPerSlot,
      allowScripts: flags.allowScripts,
      allowMissing: flags.allowMissing,
      sourceRoot: scene.sourceRoot ?? '',
      device: flags.device ?? '',
    },
  };
}

const LEFT_OPEN = {
  frames: '',
  tile: '',
  widthPx: 0,
  heightPx: 0,
  samples: 0,
  fps: 0,
  camera: '',
  scene: '',
  layers: [] as readonly string[],
};

function ownOf({ renderer, inspection }: ScenePackage): typeof LEFT_OPEN {
  if (inspection) return { ...inspection, frames: inspection.frames || '0' };
  if (renderer === 'gltf' || renderer === 'synthetic' || isProgram(renderer)) return LEFT_OPEN;
  // Nobody can look into a scene of a renderer that nodes have as a module.
  const { widthPx, heightPx, samples, fps } = DEFAULTS;
  return { ...LEFT_OPEN, frames: '0', widthPx, heightPx, samples, fps };
}
