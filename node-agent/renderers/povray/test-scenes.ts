/** Scenes for the tests of this folder, and the POV-Ray that is installed here. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findInstallations } from '../program/find-installations.js';
import { findOnPath } from '../program/find-on-path.js';
import type { Installation, Sandbox } from '../program/program.js';

export interface TestPovray {
  readonly installation: Installation;
  readonly sandbox: Sandbox;
}

/** The POV-Ray of this machine; undefined, with the reason printed, where there is none. */
export async function testPovray(): Promise<TestPovray | undefined> {
  const { installations, broken } = await findInstallations({ povray: [] });
  const installation = installations[0];
  if (!installation) {
    const reason = broken[0]?.reason ?? 'it is not on PATH; apt-get install povray povray-includes';
    console.warn(`tests of the POV-Ray renderer do not run: ${reason}`);
    return undefined;
  }
  return { installation, sandbox: findOnPath('bwrap') === undefined ? 'none' : 'bubblewrap' };
}

export interface TestFolder extends AsyncDisposable {
  readonly folder: string;
  /** Where sessions may make theirs. */
  readonly scratchFolder: string;
}

/** @param files  by path in a new folder's `package`. */
export async function makeTestFolder(
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<TestFolder> {
  const base = await mkdtemp(join(tmpdir(), 'guian-povray-'));
  const folder = join(base, 'package');
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  const scratchFolder = join(base, 'scratch');
  await mkdir(scratchFolder);
  return { folder, scratchFolder, [Symbol.asyncDispose]: () => rm(base, { recursive: true, force: true }) };
}

export const HEAD = '#version 3.7;\nglobal_settings { assumed_gamma 1.0 }\n';
export const CAMERA = 'camera { location <0,1,-4> look_at <0,0.5,0> right x*image_width/image_height }\n';

export interface SceneParts {
  readonly settings?: string;
  readonly camera?: string;
  readonly light?: string;
  readonly finish?: string;
  readonly more?: string;
}

/** A ball on bumpy ground under a sky of one colour. */
export function ballScene({
  settings = '',
  camera = '',
  light = '',
  finish = '',
  more = '',
}: SceneParts): string {
  return `#version 3.7;
global_settings { assumed_gamma 1.0 ${settings} }
camera { location <0,1,-4> look_at <0,0.5,0> right x*image_width/image_height ${camera} }
background { rgb <0.25,0.5,0.75> }
light_source { <5,8,-5> rgb 3 ${light} }
sphere { <0,0.5,0>, 0.7
  texture { pigment { checker rgb <1,0.2,0.1> rgb <0.1,0.9,0.3> scale 0.2 } finish { reflection 0.2 ${finish} } } }
plane { y,-0.2 texture { pigment { rgb <0.7,0.7,0.6> } normal { bumps 0.4 scale 0.2 } } }
${more}
`;
}

/** 1x1 px, one grey pixel. */
export const GREY_PPM = new Uint8Array([...Buffer.from('P6\n1 1\n255\n'), 128, 128, 128]);
