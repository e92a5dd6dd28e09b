import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { povrayRenderer } from '#node-agent/renderers/povray/renderer.js';
import { testPovray } from '#node-agent/renderers/povray/test-scenes.js';
import { rendererConformance } from './renderer-conformance.js';

/** A ball that moves over bumpy ground in a soft shadow. */
const scene = (light: string) => `#version 3.7;
global_settings { assumed_gamma 1.0 }
light_source { <5,8,-5> rgb 3 ${light} }
plane { y,-0.2 texture { pigment { rgb <0.7,0.7,0.6> } normal { bumps 0.4 scale 0.2 } } }
sphere { <2*clock - 0.5,0.5,0>, 0.7
  texture { pigment { checker rgb <1,0.2,0.1> rgb <0.1,0.9,0.3> scale 0.2 } finish { reflection 0.2 } } }
background { rgb <0.25,0.5,0.75> }
camera { location <0,1,-4> look_at <0,0.5,0> right x*image_width/image_height }
`;
const povray = await testPovray();

rendererConformance(
  'povray',
  async (folder) => {
    const write = async (name: string, text: string) => {
      const written = { folder: join(folder, name), entry: 'ball.pov' };
      await mkdir(written.folder);
      await writeFile(join(written.folder, written.entry), text);
      return written;
    };
    return {
      renderer: povrayRenderer(povray!.installation, povray!.sandbox),
      layers: ['beauty'],
      scene: await write('package', scene('area_light <2,0,0>, <0,2,0>, 4, 4 adaptive 1')),
      settings: { samples: 2 },
      slow: {
        scene: await write('slow', scene('area_light <2,0,0>, <0,2,0>, 400, 400')),
        settings: { samples: 4096 },
      },
      program: { executable: povray!.installation.executable, tinySlotBytes: 2 ** 20 },
    };
  },
  { isProgram: true, missing: povray ? undefined : 'there is no POV-Ray' },
);
