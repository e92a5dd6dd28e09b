/** An inspected scene for people: facts, files, and what stands in the way. */
import type { SceneFile, SceneInspection } from '#shared/domain/scene-inspection.js';
import type { FarmError } from '#shared/errors.js';
import { counted, humanBytes } from '../output/human.js';
import { table } from '../output/table.js';
import { oneLine } from '../process/exit-code.js';
import type { InspectedScene } from './inspected-scene.js';

/** Image sequences bring thousands; `--json` has them all. */
const FILES_SHOWN_MAX = 40;
const NAMES_SHOWN_MAX = 8;
const FORMATS: Readonly<Record<string, string>> = { gltf: 'glTF', blender: 'Blender', povray: 'POV-Ray' };
const STATE_ORDER = { missing: 0, outside: 1, found: 2 } as const;

/** @returns lines that end with a newline. */
export function inspectionText(file: string, scene: InspectedScene, obstacles: readonly FarmError[]): string {
  const { inspection, root } = scene;
  const facts = factsOf(inspection, root).filter(([, value]) => value !== '');
  const width = Math.max(...facts.map(([name]) => name.length));
  return [
    `${oneLine(file)}: ${headline(scene)}`,
    ...facts.map(([name, value]) => `  ${name.padEnd(width)}  ${oneLine(value)}`),
    '',
    filesText(inspection.files),
    ...told('notice', inspection.notices),
    ...told('needs a script', inspection.scripts),
    ...obstacles.map(({ message }) => `✗ ${oneLine(message)}`),
    obstacles.length === 0 ? '✓ it can be submitted as it is' : '',
  ]
    .filter((line, index) => line !== '' || index === facts.length + 1)
    .map((line) => `${line.replace(/\n$/, '')}\n`)
    .join('');
}

function headline({ inspection, readBy }: InspectedScene): string {
  const { renderer, rendererVersion, savedWith } = inspection;
  const saved = savedWith === '' ? '' : `, saved with ${savedWith}`;
  const by =
    rendererVersion === ''
      ? ''
      : `, read by ${renderer} ${rendererVersion}${readBy === 'node' ? ' on a node' : ''}`;
  return oneLine(`${FORMATS[renderer] ?? renderer} scene${saved}${by}`);
}

function factsOf(inspection: SceneInspection, root: string): [string, string][] {
  const { frames, fps, widthPx, heightPx, samples, scene, scenes, camera, cameras } = inspection;
  const rate = fps > 0 ? ` at ${Number(fps.toFixed(3))} fps` : '';
  return [
    ['frames', frames === '' ? '' : `${frames}${rate}`],
    ['size', widthPx > 0 ? `${widthPx}x${heightPx}` : ''],
    ['samples', samples > 0 ? String(samples) : ''],
    ['scene', chosen(scene, scenes)],
    ['camera', chosen(camera, cameras)],
    ['view layers', someOf(inspection.viewLayers)],
    ['layers', inspection.layers.join(', ')],
    ['package', `begins at ${root}`],
  ];
}

/** `Main (of Main, Preview)`; the list alone when none is chosen. */
function chosen(one: string, all: readonly string[]): string {
  if (one === '') return someOf(all);
  return all.length > 1 ? `${one} (of ${someOf(all)})` : one;
}

function someOf(names: readonly string[]): string {
  const more = names.length > NAMES_SHOWN_MAX ? `, and ${names.length - NAMES_SHOWN_MAX} more` : '';
  return `${names.slice(0, NAMES_SHOWN_MAX).join(', ')}${more}`;
}

function filesText(files: readonly SceneFile[]): string {
  if (files.length === 0) return 'It needs no other files.\n';
  const sorted = [...files].sort((a, b) => STATE_ORDER[a.state] - STATE_ORDER[b.state]);
  const rows = sorted
    .slice(0, FILES_SHOWN_MAX)
    .map(({ state, sizeBytes, path, reference, what }) => [
      state,
      state === 'missing' ? '-' : humanBytes(sizeBytes),
      path ?? (reference || '(no name)'),
      what,
    ]);
  const more =
    files.length > rows.length ? `and ${files.length - rows.length} more: guian inspect --json\n` : '';
  const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const summary = `It needs ${counted(files.length, 'file')} (${humanBytes(bytes)}):\n`;
  return `${summary}${table(['STATE', 'SIZE', 'FILE', 'FOR'], rows)}${more}`;
}

function told(label: string, texts: readonly string[]): string[] {
  const more =
    texts.length > FILES_SHOWN_MAX
      ? [`and ${texts.length - FILES_SHOWN_MAX} more: guian inspect --json`]
      : [];
  return [...texts.slice(0, FILES_SHOWN_MAX).map((text) => `${label}: ${oneLine(text)}`), ...more];
}
