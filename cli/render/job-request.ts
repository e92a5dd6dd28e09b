/** Flags and package → the request that the coordinator takes. */
import type { JobSpec } from '#shared/wire/generated/guian/v1/JobSpec.js';
import type { RenderFlags } from './render-flags.js';
import type { ScenePackage } from './scene-package.js';

/** What the flags leave open is 0 or empty here, and filled in by the coordinator from the scene. */
export function jobRequest(flags: RenderFlags, scene: ScenePackage): JobSpec {
  return {
    name: flags.name ?? '',
    studio: flags.studio,
    manifest: { entry: scene.manifest.entry, files: scene.manifest.files.map((file) => ({ ...file })) },
    frames: flags.frames,
    tile: flags.tile,
    maxAttempts: flags.maxAttempts,
    verify: flags.verify,
    tileTimeLimitMs: flags.tileTimeout,
    settings: {
      renderer: flags.renderer,
      ...flags.size,
      samples: flags.samples,
      seed: flags.seed,
      fps: flags.fps,
      camera: flags.camera ?? '',
      scene: flags.scene ?? '',
      animation: flags.animation ?? '',
      environment: { ...scene.environment },
      ...(flags.exposure !== undefined && { exposureEv: flags.exposure }),
      view: flags.view ?? '',
      layers: flags.layers,
      formats: flags.format,
      synthetic: { costMsPerTile: flags.cost },
    },
  };
}
