// Renders one glTF scene with our path tracer and with Blender's Cycles, prints how far they are apart, and writes both
// pictures side by side: `node scripts/compare-with-cycles.mjs --help`. Needs Blender, and a build.
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const HELP = `Usage: node scripts/compare-with-cycles.mjs [SCENE.glb] [options]

Without a scene: examples/valley/valley.glb.
  --frame <n>        default 20
  --size <WxH>       default 480x270
  --samples <n>      of ours; Cycles gets the same (default 256)
  --exposure <stops> of the picture (default 1.2)
  --out <file.webp>  default docs/images/cycles-comparison.webp
`;
/** Noise of single pixels is no difference between renderers: this many pixels a side are averaged first. */
const BLOCK_PX = 8;
/** Blocks darker than this part of the mean say little relative to themselves. */
const DARK_RATIO = 0.02;
const GAP_PX = 8;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    frame: { type: 'string', default: '20' },
    size: { type: 'string', default: '480x270' },
    samples: { type: 'string', default: '256' },
    exposure: { type: 'string', default: '1.2' },
    out: { type: 'string', default: join(root, 'docs', 'images', 'cycles-comparison.webp') },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) process.stdout.write(HELP);
else await compare();

async function compare() {
  const scene = resolve(positionals[0] ?? join(root, 'examples', 'valley', 'valley.glb'));
  const [widthPx, heightPx] = values.size.split('x').map(Number);
  const folder = await mkdtemp(join(tmpdir(), 'guian-cycles-'));
  try {
    const ours = await renderOurs(scene, folder);
    const theirs = await renderCycles(scene, folder, widthPx, heightPx);
    const figures = difference(ours, theirs, widthPx, heightPx);
    await writePicture([ours, theirs], widthPx, heightPx);
    const percent = (ratio) => `${(ratio * 100).toFixed(2)} %`;
    process.stdout.write(
      [
        `${basename(scene)}, frame ${values.frame}, ${values.size}, ${values.samples} samples, blocks of ${BLOCK_PX}x${BLOCK_PX} px`,
        `mean relative difference   ${percent(figures.mean)}`,
        `median                     ${percent(figures.median)}`,
        `95th percentile            ${percent(figures.p95)}`,
        `mean brightness, ours ÷ Cycles  ${figures.brightness.toFixed(4)}`,
        `picture: ${values.out} (left ours, right Cycles)`,
        '',
      ].join('\n'),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Through the program itself, as a user would. @returns RGB, float, row-major. */
async function renderOurs(scene, folder) {
  const out = join(folder, 'ours');
  const what = { frames: values.frame, size: values.size, samples: values.samples, env: 'none' };
  const where = { format: 'exr', name: 'ours', out };
  const flags = Object.entries({ ...what, ...where }).flatMap(([name, value]) => [`--${name}`, value]);
  run(process.execPath, [join(root, 'dist', 'cli', 'main.js'), 'render', scene, ...flags]);
  return readRgb(join(out, `ours.${values.frame.padStart(4, '0')}.exr`));
}

async function renderCycles(scene, folder, widthPx, heightPx) {
  const plain = join(folder, 'scene.glb');
  const { verticalFov, fps } = await writePlainGltf(scene, plain);
  const output = join(folder, 'cycles.exr');
  const job = { scene: plain, output, frame: Number(values.frame), fps, widthPx, heightPx, verticalFov };
  const script = join(root, 'scripts', 'compare-with-cycles.py');
  const options = ['-b', '--factory-startup', '-noaudio', '--python-exit-code', '3', '-P', script];
  run('blender', [...options, '--', JSON.stringify({ ...job, samples: Number(values.samples) })]);
  return readRgb(output);
}

/** Blender's importer knows neither meshopt nor WebP: the same scene without them. */
async function writePlainGltf(scene, path) {
  const [
    { NodeIO },
    { ALL_EXTENSIONS },
    { dequantize },
    { MeshoptDecoder, MeshoptEncoder },
    { default: sharp },
  ] = await Promise.all([
    import('@gltf-transform/core'),
    import('@gltf-transform/extensions'),
    import('@gltf-transform/functions'),
    import('meshoptimizer'),
    import('sharp'),
  ]);
  await Promise.all([MeshoptDecoder.ready, MeshoptEncoder.ready]);
  const io = new NodeIO()
    .registerExtensions(ALL_EXTENSIONS)
    .registerDependencies({ 'meshopt.decoder': MeshoptDecoder, 'meshopt.encoder': MeshoptEncoder });
  const document = await io.read(scene);
  for (const texture of document.getRoot().listTextures()) {
    if (texture.getMimeType() !== 'image/webp') continue;
    texture.setImage(await sharp(texture.getImage()).png().toBuffer()).setMimeType('image/png');
  }
  for (const extension of document.getRoot().listExtensionsUsed())
    if (['EXT_meshopt_compression', 'EXT_texture_webp'].includes(extension.extensionName))
      extension.dispose();
  await document.transform(dequantize());
  await io.write(path, document);
  const camera = document.getRoot().listCameras()[0];
  if (!camera) throw new Error(`${scene} has no camera`);
  const extras = document.getRoot().getDefaultScene()?.getExtras();
  return { verticalFov: camera.getYFov(), fps: extras?.guian?.fps ?? 24 };
}

async function readRgb(path) {
  const { decodeExr } = await import(
    pathToFileURL(join(root, 'dist', 'shared', 'image', 'exr-decode.js')).href
  );
  const { halfToFloatTable } = await import(
    pathToFileURL(join(root, 'dist', 'shared', 'image', 'half.js')).href
  );
  const { planes, widthPx, heightPx } = decodeExr(await readFile(path));
  const rgb = new Float32Array(widthPx * heightPx * 3);
  const table = halfToFloatTable();
  ['R', 'G', 'B'].forEach((name, channel) => {
    const { data } = planes.find((plane) => plane.name === name);
    const isHalf = data instanceof Uint16Array;
    for (let at = 0; at < data.length; at++) rgb[at * 3 + channel] = isHalf ? table[data[at]] : data[at];
  });
  return rgb;
}

/** Per block and channel |ours − theirs| ÷ theirs. */
function difference(ours, theirs, widthPx, heightPx) {
  const [a, b] = [blocks(ours, widthPx, heightPx), blocks(theirs, widthPx, heightPx)];
  const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const floor = DARK_RATIO * mean(b);
  const ratios = a.flatMap((value, at) => (b[at] > floor ? [Math.abs(value - b[at]) / b[at]] : []));
  ratios.sort((x, y) => x - y);
  const at = (part) => ratios[Math.floor(part * (ratios.length - 1))];
  return { mean: mean(ratios), median: at(0.5), p95: at(0.95), brightness: mean(a) / mean(b) };
}

function blocks(rgb, widthPx, heightPx) {
  const means = [];
  for (let y0 = 0; y0 + BLOCK_PX <= heightPx; y0 += BLOCK_PX)
    for (let x0 = 0; x0 + BLOCK_PX <= widthPx; x0 += BLOCK_PX)
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let y = y0; y < y0 + BLOCK_PX; y++)
          for (let x = x0; x < x0 + BLOCK_PX; x++) sum += rgb[(y * widthPx + x) * 3 + channel];
        means.push(sum / BLOCK_PX ** 2);
      }
  return means;
}

/** Both through the farm's own display transform. */
async function writePicture(pictures, widthPx, heightPx) {
  const load = (...path) => import(pathToFileURL(join(root, 'dist', ...path)).href);
  const [{ displayImage, to8Bit }, { floatsToHalves }, { default: sharp }] = await Promise.all([
    load('coordinator', 'frames', 'display.js'),
    load('shared', 'image', 'half.js'),
    import('sharp'),
  ]);
  const images = [];
  for (const rgb of pictures) {
    const rgba = new Float32Array(widthPx * heightPx * 4).fill(1);
    for (let at = 0; at < widthPx * heightPx; at++) rgba.set(rgb.subarray(at * 3, at * 3 + 3), at * 4);
    const halves = new Uint16Array(rgba.length);
    floatsToHalves(rgba, halves);
    const shown = await displayImage(
      { name: 'beauty', data: halves },
      widthPx,
      heightPx,
      'agx',
      Number(values.exposure),
    );
    images.push({
      input: Buffer.from(to8Bit(shown.data)),
      raw: { width: widthPx, height: heightPx, channels: 3 },
    });
  }
  await mkdir(dirname(resolve(values.out)), { recursive: true });
  const canvas = { width: widthPx * 2 + GAP_PX, height: heightPx, channels: 3, background: '#ffffff' };
  const webp = await sharp({ create: canvas })
    .composite(images.map((image, at) => ({ ...image, left: at * (widthPx + GAP_PX), top: 0 })))
    .webp({ quality: 88 })
    .toBuffer();
  await writeFile(values.out, webp);
}

function run(program, args) {
  const { status, error, stderr, stdout } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (error) throw new Error(`${program} cannot be started: ${error.message}`);
  if (status !== 0)
    throw new Error(`${program} ended with ${status}:\n${`${stdout}\n${stderr}`.slice(-2000)}`);
}
