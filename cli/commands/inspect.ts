/** `guian inspect`: what is in a scene, which files it needs, and whether it could be submitted as it is. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { isProgram, rendererVersionSchema, SCENE_EXTENSIONS } from '#shared/domain/renderers.js';
import { FarmError } from '#shared/errors.js';
import { DEFAULTS } from '#shared/limits.js';
import { obstacles } from '../inspect/assert-submittable.js';
import { inspectScene } from '../inspect/inspect-scene.js';
import type { InspectedScene } from '../inspect/inspected-scene.js';
import { inspectionText } from '../inspect/inspection-text.js';
import { printJson } from '../output/table.js';
import { EXIT } from '../process/exit-code.js';
import { addFarmFlags, givenCoordinator } from '../process/farm-flags.js';
import { interruptible } from '../process/interrupt.js';
import { checkReadable } from '../render/check-readable.js';
import { rendererFor } from '../render/scene-package.js';

interface Options {
  readonly json?: boolean;
  readonly root?: string;
  readonly onFarm?: boolean;
  readonly allowScripts?: boolean;
  readonly studio?: string;
  readonly renderer?: string;
  readonly rendererVersion?: string;
}

const HELP_AFTER = `
Scenes of Blender and POV-Ray are read by the program itself: the one on this machine, else one of a farm's nodes. Nothing
is rendered. A node gets what lies below the scene's folder, and files whose names stand in the scene; with --root, what
it asks for below that folder. Hidden folders elsewhere, and what links from the scene lead to there, are never sent. Exit codes: 0 it can be submitted, 1 something stands in the way, 2 it cannot be read.
`;

export function inspectCommand(): Command {
  const command = new Command('inspect')
    .description(
      'Says what is in a scene, every file that it needs, and what stands in the way of rendering it.',
    )
    .argument('<scene>', `the ${SCENE_EXTENSIONS.join(', ')} file`)
    .option(
      '--root <dir>',
      'folder at which its package begins (default: the deepest one that holds the scene and the files that it names)',
    )
    .option('--on-farm', 'let a node of the farm read it, even where the program is on this machine')
    .option('--allow-scripts', 'let scripts and drivers inside the scene run; only for files that you trust')
    .option('--studio <name>', `who asks a farm (default: ${DEFAULTS.studio})`)
    .option('--renderer <name>', 'gltf, blender or povray (default: by the extension)')
    .option('--renderer-version <version>', 'the version that reads it (default: what there is)');
  return addFarmFlags(command)
    .addHelpText('after', HELP_AFTER)
    .action(async (scene: string, options: Options) => {
      process.exitCode = await inspect(scene, options);
    });
}

async function inspect(sceneFile: string, options: Options): Promise<number> {
  const scene = resolve(sceneFile);
  const coordinator =
    givenCoordinator(options as Readonly<Record<string, unknown>>) ?? DEFAULTS.coordinatorAddress;
  await checkReadable(scene, `scene ${sceneFile}`, 'SCENE_FILE_MISSING', 'the scene file itself');
  const renderer = rendererFor(sceneFile, options.renderer);
  if (options.onFarm && !isProgram(renderer))
    throw new FarmError('USAGE_INVALID', '--on-farm: glTF scenes are read here; leave it out');
  using interrupt = interruptible('stopping (Ctrl-C again: at once) …');
  const allowScripts = options.allowScripts === true;
  const inspected = await inspectScene({
    ...{ scene, renderer, allowScripts, coordinator, interrupt },
    onFarm: options.onFarm === true,
    studio: options.studio ?? '',
    rendererVersion: checkedVersion(options.rendererVersion),
    givenRoot: options.root === undefined ? undefined : resolve(options.root),
  });
  interrupt.signal.throwIfAborted();
  const found = obstacles(inspected, { allowScripts, allowMissing: false, hasSize: false });
  if (options.json) printJson(asJson(scene, inspected, found));
  else process.stdout.write(inspectionText(sceneFile, inspected, found));
  return found.length === 0 ? EXIT.done : EXIT.renderFailed;
}

function asJson(
  file: string,
  { root, entry, readBy, inspection }: InspectedScene,
  found: readonly FarmError[],
) {
  const standing = found.map(({ code, message }) => ({ code, message }));
  return { file, canSubmit: found.length === 0, obstacles: standing, readBy, root, entry, ...inspection };
}

function checkedVersion(version: string | undefined): string | undefined {
  if (version === undefined || rendererVersionSchema.safeParse(version).success) return version;
  throw new FarmError(
    'USAGE_INVALID',
    '--renderer-version: it must be 1 to 128 characters without control characters, as "guian nodes" shows it',
  );
}
