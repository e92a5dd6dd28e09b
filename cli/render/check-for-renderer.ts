/** Flags that a renderer has no use for are refused instead of being passed over in silence. */
import { LAYER_NAMES } from '#shared/domain/layers.js';
import { isProgram, lacksGpus, lacksLayer, needsAllFiles } from '#shared/domain/renderers.js';
import { FarmError } from '#shared/errors.js';
import type { RenderFlags } from './render-flags.js';

/** @throws USAGE_INVALID naming the flag, and what the renderer has. */
export function checkForRenderer(flags: RenderFlags, renderer: string): void {
  const lacking = flags.layers.find((layer) => lacksLayer(renderer, layer));
  if (lacking !== undefined) {
    const has = LAYER_NAMES.filter((layer) => !lacksLayer(renderer, layer));
    throw new FarmError(
      'USAGE_INVALID',
      `--layers "${lacking}": the ${renderer} renderer has no such layer; it has ${has.join(', ')}`,
    );
  }
  const given = (flag: string, isGiven: boolean, isUsed: boolean, why: string): void => {
    if (!isGiven || isUsed) return;
    throw new FarmError('USAGE_INVALID', `${flag}: ${why}; leave it out for a scene of ${renderer}`);
  };
  const isOwn = !isProgram(renderer);
  given('--env', flags.env.kind !== 'auto', isOwn, 'such a scene has its own light');
  given('--animation', flags.animation !== undefined, isOwn, 'such a scene has one animation');
  given(
    '--view-layer',
    flags.viewLayer !== undefined,
    renderer === 'blender',
    'only .blend files have view layers',
  );
  given(
    '--allow-missing',
    flags.allowMissing,
    !needsAllFiles(renderer),
    'POV-Ray stops at the first file that is not there',
  );
  given('--device', flags.device === 'gpu', !lacksGpus(renderer), 'it computes on processors only');
  given('--threads-per-slot', flags.threadsPerSlot > 0, renderer !== 'gltf', 'a slot of it is one thread');
}
