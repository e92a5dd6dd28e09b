/** Invariant 1 with real Blender: the shot of examples/shot, with depth of field and motion blur, through whole farms. */
import { describe } from 'vitest';
import { blenderRenderer } from '#node-agent/renderers/blender/renderer.js';
import { testBlender } from '#node-agent/renderers/blender/test-scenes.js';
import { SHOT } from '#tests/support/example-package.js';
import { describeProgramGolden } from '#tests/support/program-golden.js';

// Where it is missing the reason has been printed.
const blender = await testBlender();

describe.skipIf(!blender)('Blender, the shot', () => {
  const settings = {
    ...{ renderer: 'blender', widthPx: 96, heightPx: 54, samples: 4, fps: 24 },
    layers: ['beauty', 'normal', 'depth'],
  };
  describeProgramGolden({
    renderer: () => blenderRenderer(blender!.installation, blender!.sandbox),
    source: SHOT,
    processName: 'blender',
    settings,
    longSettings: { ...settings, samples: 256 },
    frames: [7, 8],
  });
});
