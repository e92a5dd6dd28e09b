import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RenderSettings, renderSettingsSchema } from '#shared/domain/job.js';
import { LAYER_NAMES, LAYERS, type LayerPixels } from '#shared/domain/layers.js';
import { type Region, regionHeightPx, regionWidthPx } from '#shared/domain/region.js';
import { findInstallations } from '../program/find-installations.js';
import type { LocalScene, TileControl } from '../renderer.js';
import { kernelOf } from './cycles-version.js';
import { blenderRenderer } from './renderer.js';
import { BlenderSession } from './session.js';
import { makeTestScenes, type TestScenes, testBlender } from './test-scenes.js';

const blender = await testBlender();
const [WIDTH, HEIGHT] = [48, 32];
const WHOLE: Region = { x0: 0, y0: 0, x1: WIDTH, y1: HEIGHT };
const FREE: TileControl = { isCancelled: () => false, progress: () => undefined };
const SLOT_BYTES = 2 ** 31;

describe.skipIf(!blender)('tiles of a .blend file', () => {
  let scenes: TestScenes;
  let session: BlenderSession;
  let shot: LocalScene;
  /** As it was on the disk of the studio; the package lies elsewhere. */
  let sourceRoot: string;

  const settingsOf = (more: Partial<RenderSettings> = {}): RenderSettings =>
    renderSettingsSchema.parse({
      ...{ renderer: 'blender', widthPx: WIDTH, heightPx: HEIGHT, samples: 4, sourceRoot },
      ...more,
    });
  const open = (slotMemoryBytes = SLOT_BYTES) =>
    new BlenderSession(blender!.installation, blender!.sandbox, {
      slotMemoryBytes,
      scratchFolder: join(scenes.folder, 'slot'),
    });
  const render = (region: Region, frame: number, settings = settingsOf(), scene = shot, control = FREE) =>
    session.render({ scene, settings, frame, region, prepared: null }, control);

  beforeAll(async () => {
    scenes = await makeTestScenes(blender!, 'shot');
    sourceRoot = join(scenes.folder, 'package');
    const folder = join(scenes.folder, 'on-the-node');
    await rename(sourceRoot, folder);
    await mkdir(sourceRoot);
    shot = { folder, entry: 'shot.blend' };
    session = open();
  });
  afterAll(async () => {
    await session?.close();
    await scenes?.[Symbol.asyncDispose]();
  });

  test('stitched they are the whole frame bit for bit, with depth of field, motion blur, frame jumps and all passes', async () => {
    const settings = settingsOf({ layers: [...LAYER_NAMES] });
    const whole = (await render(WHOLE, 2, settings)).layers;
    const other = (await render(WHOLE, 4, settings)).layers;
    expect(whole.map(({ name }) => name)).toEqual([...LAYER_NAMES]);
    expect(whole[0]!.data).not.toEqual(other[0]!.data);
    for (const [widthPx, heightPx] of [
      [16, 16],
      [13, 7],
    ] as const) {
      const stitched = emptyLayers(settings);
      for (const region of tilesOf(widthPx, heightPx)) {
        const { layers } = await render(region, 2, settings);
        place(stitched, layers, region);
        // Another node would not have rendered this in between.
        if (region.y0 > 0 && region.x0 === 0) await render(region, 4, settings);
      }
      for (const [index, { name, data }] of whole.entries())
        expect(Buffer.compare(bytesOf(stitched[index]!.data), bytesOf(data)), `${name} ${widthPx}`).toBe(0);
    }
  });

  test('the older kernel keeps that promise too, with pixels of its own', async () => {
    const { installations } = await findInstallations({ blender: [] });
    const older = installations.find(({ version }) => kernelOf(version) === 'x86-64-v2');
    if (!older || older.version === blender!.installation.version) return;
    const context = { slotMemoryBytes: SLOT_BYTES, scratchFolder: join(scenes.folder, 'slot') };
    const second = new BlenderSession(older, blender!.sandbox, context);
    try {
      const settings = settingsOf({ samples: 2 });
      const pixels = async (region: Region) =>
        (await second.render({ scene: shot, settings, frame: 2, region, prepared: null }, FREE)).layers;
      const whole = await pixels(WHOLE);
      const stitched = emptyLayers(settings);
      for (const region of tilesOf(29, 13)) place(stitched, await pixels(region), region);
      expect(Buffer.compare(bytesOf(stitched[0]!.data), bytesOf(whole[0]!.data))).toBe(0);
      const newer = (await render(WHOLE, 2, settings)).layers[0]!.data;
      expect(Buffer.compare(bytesOf(newer), bytesOf(whole[0]!.data))).not.toBe(0);
    } finally {
      await second.close();
    }
  });

  test('passes are what they say, whatever else is asked for', async () => {
    const settings = settingsOf({ layers: ['normal', 'beauty', 'depth', 'albedo'] });
    const { layers, use } = await render(WHOLE, 1, settings);
    const [normal, beauty, depth, albedo] = layers.map(({ data }) => data);
    // The last row is floor: it looks up, it is closer than the horizon and white.
    const pixel = (HEIGHT - 1) * WIDTH + WIDTH / 2;
    expect(normal![3 * pixel + 2]).toBeCloseTo(1, 3);
    expect(depth![pixel]).toBeGreaterThan(2);
    expect(depth![pixel]).toBeLessThan(7);
    expect(albedo![3 * pixel]).toBeCloseTo(0.8, 3);
    const alone = (await render(WHOLE, 1, settingsOf({ layers: ['beauty'] }))).layers[0]!.data;
    expect(Buffer.compare(bytesOf(alone), bytesOf(beauty!))).toBe(0);
    expect(use!.coreSeconds).toBeGreaterThanOrEqual(0);
    expect(use!.peakMemoryBytes).toBeGreaterThan(2 ** 24);
  });

  test('samples and seed are the ones asked for; a fresh process makes the same pixels', async () => {
    const beauty = async (more: Partial<RenderSettings>) =>
      bytesOf((await render(WHOLE, 3, settingsOf(more))).layers[0]!.data);
    const four = await beauty({ samples: 4 });
    expect(await beauty({ samples: 8 })).not.toEqual(four);
    expect(await beauty({ seed: 1 })).not.toEqual(four);
    expect(await beauty({ samples: 4 })).toEqual(four);
    await session.close();
    expect(await beauty({ samples: 4 })).toEqual(four);
  });

  test('what one job chooses is not left to the next', async () => {
    const scene = { ...shot, entry: 'choices.blend' };
    const choices: readonly (readonly [frame: number, more: Partial<RenderSettings>])[] = [
      [1, {}],
      [3, {}],
      [3, { camera: 'Camera' }],
      [1, { camera: 'Top' }],
      [3, { scene: 'Scene', viewLayer: 'Bare', widthPx: 64 }],
    ];
    const pixels = async ([frame, more]: (typeof choices)[number]) => {
      const { layers } = await render({ ...WHOLE, x0: 3, y1: 30 }, frame, settingsOf(more), scene);
      return bytesOf(layers[0]!.data).toString('base64');
    };
    const fresh: string[] = [];
    for (const choice of choices) {
      await session.close();
      fresh.push(await pixels(choice));
    }
    // The file's own camera is no choice: its markers go on.
    expect(fresh[2]).toBe(fresh[1]);
    expect(new Set(fresh).size).toBe(choices.length - 1);
    for (const index of [4, 0, 3, 1, 4, 1, 2, 0]) expect(await pixels(choices[index]!)).toBe(fresh[index]);
  });

  test('two scenes stay open; the one used least recently goes for a third', async () => {
    const plain = { ...shot, entry: 'plain.blend' };
    await render(WHOLE, 1);
    await render(WHOLE, 1, settingsOf(), plain);
    const [first, second] = session.pids();
    await render(WHOLE, 1);
    expect(session.pids()).toEqual([second, first]);
    await render(WHOLE, 1, settingsOf({ allowMissing: true }));
    expect(session.pids()).toHaveLength(2);
    expect(session.pids()[0]).toBe(first);
    await gone(second!);
  });

  test('a killed Blender fails its tile with the reason, and the next tile gets a new one', async () => {
    await render(WHOLE, 1);
    const pid = session.pids().at(-1)!;
    const long = settingsOf({ samples: 65_536 });
    const killer = after(5, () => process.kill(pid, 'SIGKILL'));
    await expect(render(WHOLE, 1, long, shot, killer)).rejects.toMatchObject({
      code: 'RENDER_FAILED',
      message: expect.stringMatching(/^Blender ended by SIGKILL while it rendered a tile/),
    });
    expect((await render(WHOLE, 1)).layers[0]!.data).toHaveLength(WIDTH * HEIGHT * 4);
  });

  test('a cancelled tile ends within two seconds, and Blender with it', async () => {
    await render(WHOLE, 1);
    const pid = session.pids().at(-1)!;
    let cancelledAtMs = 0;
    const cancel = () => {
      cancelledAtMs = performance.now();
    };
    const control = after(4, cancel, true);
    await expect(render(WHOLE, 1, settingsOf({ samples: 65_536 }), shot, control)).rejects.toMatchObject({
      code: 'RENDER_CANCELLED',
    });
    await gone(pid);
    expect(performance.now() - cancelledAtMs).toBeLessThan(2_000);
  });

  test('more memory than the slot has ends the tile with that reason', async () => {
    const small = open(48 * 2 ** 20);
    try {
      await expect(
        small.render({ scene: shot, settings: settingsOf(), frame: 1, region: WHOLE, prepared: null }, FREE),
      ).rejects.toMatchObject({ code: 'TILE_MEMORY_LIMIT', message: expect.stringMatching(/slot has 48:/) });
    } finally {
      await small.close();
    }
  });

  test('the version is that of the installation, and a scene that is not there is refused before any Blender starts', async () => {
    const renderer = blenderRenderer(blender!.installation, blender!.sandbox);
    expect(renderer.name).toBe('blender');
    expect(renderer.version).toMatch(/^\d+\.\d+\.\d+\+[0-9a-f]+\.(x86-64-v[23]|\w+)\.glibc[\d.]+$/);
    const request = { scene: shot, settings: settingsOf(), frame: 1 };
    expect(await renderer.prepare(request)).toBeNull();
    await expect(
      renderer.prepare({ ...request, scene: { ...shot, entry: 'gone.blend' } }),
    ).rejects.toMatchObject({ code: 'SCENE_FILE_MISSING' });
  });

  test('nothing of a closed session is left', async () => {
    const pids = session.pids();
    await session.close();
    for (const pid of pids) await gone(pid);
    expect(await readdir(join(scenes.folder, 'slot'))).toEqual([]);
  });
});

/** A control that does something when it is asked for the `count`th time. */
function after(count: number, act: () => void, isCancelledThen = false): TileControl {
  let asked = 0;
  return {
    isCancelled: () => {
      asked++;
      if (asked === count) act();
      return isCancelledThen && asked >= count;
    },
    progress: () => undefined,
  };
}

async function gone(pid: number): Promise<void> {
  await expect.poll(() => stat(`/proc/${pid}`).then(Boolean, () => false), { timeout: 2_000 }).toBe(false);
}

function tilesOf(widthPx: number, heightPx: number): Region[] {
  const tiles: Region[] = [];
  for (let y0 = 0; y0 < HEIGHT; y0 += heightPx)
    for (let x0 = 0; x0 < WIDTH; x0 += widthPx)
      tiles.push({ x0, y0, x1: Math.min(WIDTH, x0 + widthPx), y1: Math.min(HEIGHT, y0 + heightPx) });
  return tiles;
}

const emptyLayers = ({ layers }: RenderSettings): LayerPixels[] =>
  layers.map((name) => ({ name, data: new Float32Array(WIDTH * HEIGHT * LAYERS[name].channels.length) }));

function place(frame: readonly LayerPixels[], tile: readonly LayerPixels[], region: Region): void {
  for (const [index, { name, data }] of tile.entries()) {
    const channels = LAYERS[name].channels.length;
    const rowLength = regionWidthPx(region) * channels;
    for (let row = 0; row < regionHeightPx(region); row++)
      frame[index]!.data.set(
        data.subarray(row * rowLength, (row + 1) * rowLength),
        ((region.y0 + row) * WIDTH + region.x0) * channels,
      );
  }
}

const bytesOf = (data: Float32Array) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
