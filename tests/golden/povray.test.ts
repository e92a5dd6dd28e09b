/** Invariant 1 with real POV-Ray: examples/tea, with an include file and a picture, through whole farms. */
import { describe } from 'vitest';
import { povrayRenderer } from '#node-agent/renderers/povray/renderer.js';
import { testPovray } from '#node-agent/renderers/povray/test-scenes.js';
import { TEA } from '#tests/support/example-package.js';
import { describeProgramGolden } from '#tests/support/program-golden.js';

// Where it is missing the reason has been printed.
const povray = await testPovray();

describe.skipIf(!povray)('POV-Ray, tea', () => {
  const settings = { renderer: 'povray', widthPx: 96, heightPx: 54, samples: 4, fps: 24 };
  describeProgramGolden({
    renderer: () => povrayRenderer(povray!.installation, povray!.sandbox),
    source: TEA,
    processName: 'povray',
    settings,
    longSettings: { ...settings, samples: 64 },
    frames: [3, 4],
  });
});
