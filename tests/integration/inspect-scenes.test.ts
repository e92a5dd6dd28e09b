import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { InspectScenes, type InspectScenesOptions } from '#node-agent/inspect-scenes.js';
import type { Programs } from '#node-agent/renderers/program/program.js';
import { SceneCache } from '#node-agent/scene-cache.js';
import {
  decodeMessage,
  encodeMessage,
  type InspectAnswer,
  inspectAnswerSchema,
} from '#shared/bus/messages.js';
import { nodeIdSchema } from '#shared/domain/ids.js';
import type { SceneInspection } from '#shared/domain/scene-inspection.js';
import { FarmError } from '#shared/errors.js';
import { createLogger } from '#shared/log.js';
import { connectCoordinator } from '#shared/wire/coordinator-client.js';
import { type AgentFarm, startAgentFarm } from '#tests/support/agent-farm.js';
import { waitUntil } from '#tests/support/wait-until.js';

type Inspect = NonNullable<InspectScenesOptions['inspect']>;

const programs: Programs = {
  installations: [{ name: 'blender', version: '4.2.0+a.sse41', executable: '/opt/blender/blender' }],
  ...{ sandbox: 'bubblewrap', modules: [] },
};
const inspection = (changes: Partial<SceneInspection> = {}): SceneInspection => ({
  ...{ renderer: 'blender', rendererVersion: '4.2.0+a.sse41', savedWith: '4.2.0', frames: '1-24', fps: 24 },
  ...{ widthPx: 1920, heightPx: 1080, samples: 128, scene: 'Scene', scenes: ['Scene'], camera: 'Camera' },
  ...{ cameras: ['Camera'], viewLayers: ['ViewLayer'], layers: ['beauty'], files: [], notices: [] },
  ...{ scripts: [], problems: [], tile: '', ...changes },
});

let farm: AgentFarm;
let folder = '';
let scratchFolder = '';
/** Disposed of last first. */
let opened: AsyncDisposable[] = [];
beforeEach(async () => {
  farm = await startAgentFarm();
  folder = await mkdtemp(join(tmpdir(), 'guian-inspect-'));
  scratchFolder = await mkdtemp(join(folder, 'scratch-'));
  opened = [];
});
afterEach(async () => {
  for (const resource of opened.reverse()) await resource[Symbol.asyncDispose]();
  await farm[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** A node that looks into scenes in the way given. */
async function startNode(inspect: Inspect): Promise<InspectScenes> {
  const logger = createLogger('test', 'silent');
  const coordinator = connectCoordinator(farm.blobs.address);
  const cache = await SceneCache.open({
    folder: join(folder, 'cache'),
    bytesMax: 2 ** 30,
    coordinator,
    logger,
  });
  const options = { bus: farm.bus, nodeId: nodeIdSchema.parse('node-1'), cache, scratchFolder, logger };
  const node = new InspectScenes({ ...options, programs: async () => programs, inspect });
  opened.push(coordinator, cache, node);
  return node;
}

async function ask(request: object): Promise<InspectAnswer> {
  const { connection, names } = farm.bus;
  const manifest = farm.blobs.add({ 'shot.blend': 'BLENDER', 'textures/bark.png': 'bark' });
  const asked = { manifest, renderer: 'blender', allowScripts: false, ...request };
  const subject = names.inspect(nodeIdSchema.parse('node-1'));
  const reply = await connection.request(subject, encodeMessage(asked), { timeout: 30_000 });
  return decodeMessage(inspectAnswerSchema, reply.data, 'answer');
}

describe('a node that is asked what is in a scene', () => {
  test('brings the package, reads it, and answers; nothing stays in its scratch folder', async () => {
    const seen: unknown[] = [];
    await startNode(async (installation, scene, { sandbox, sourceRoot, allowScripts, timeLimitMs }) => {
      seen.push(installation.executable, await readFile(join(scene.folder, 'textures/bark.png'), 'utf8'));
      seen.push(scene.entry, sandbox, sourceRoot, allowScripts, timeLimitMs! > 1_000);
      return inspection();
    });
    const answer = await ask({
      rendererVersion: '4.2.0+a.sse41',
      sourceRoot: '/studio/shot',
      allowScripts: true,
    });
    expect(answer).toEqual({ kind: 'inspected', inspection: inspection() });
    expect(seen).toEqual([
      '/opt/blender/blender',
      'bark',
      'shot.blend',
      'bubblewrap',
      '/studio/shot',
      true,
      true,
    ]);
    expect(await readdir(scratchFolder)).toEqual([]);
  });

  const files = Array.from({ length: 9_000 }, (_, index) => ({
    ...{ reference: `//textures/${'leaf'.repeat(20)}.${index}.png`, what: 'image "leaf"' },
    ...{ state: 'missing' as const, sizeBytes: 0 },
  }));
  const failures: [what: string, request: object, inspect: Inspect, code: string, says: RegExp][] = [
    [
      'not a request',
      { manifest: 7 },
      async () => inspection(),
      'MESSAGE_INVALID',
      /inspect a scene: manifest/,
    ],
    [
      ...(['another version', { rendererVersion: '3.6' }, async () => inspection()] as const),
      ...(['RENDERER_MISSING', /^this node has no blender 3.6; it has 4.2.0\+a.sse41$/] as const),
    ],
    [
      ...(['another renderer', { renderer: 'povray' }, async () => inspection()] as const),
      ...(['RENDERER_MISSING', /no povray; it has the renderers gltf, synthetic, blender$/] as const),
    ],
    [
      'a scene that is none',
      {},
      async () => {
        throw new FarmError('SCENE_INVALID', 'shot.blend is no Blender file');
      },
      ...(['SCENE_INVALID', /^shot.blend is no Blender file$/] as const),
    ],
    [
      'a bug',
      {},
      async () => {
        throw new TypeError('undefined is not a function');
      },
      ...(['RENDER_FAILED', /undefined is not a function/] as const),
    ],
    [
      ...(['an answer of over a megabyte', {}, async () => inspection({ files })] as const),
      ...(['SCENE_UNSUPPORTED', /9000 files, \d+ bytes as JSON\) is more than a node can tell/] as const),
    ],
  ];
  test.each(failures)('tells what is in the way: %s', async (_, request, inspect, code, says) => {
    await startNode(inspect);
    expect(await ask(request)).toMatchObject({ kind: 'failed', code, message: expect.stringMatching(says) });
    expect(await readdir(scratchFolder)).toEqual([]);
  });

  test('looks into two scenes at a time, lets sixteen wait, and refuses more', async () => {
    let atWork = 0;
    let most = 0;
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    await startNode(async () => {
      most = Math.max(most, ++atWork);
      await gate;
      atWork--;
      return inspection();
    });
    const answers = Array.from({ length: 20 }, () => ask({}));
    const refused = await Promise.race(answers);
    expect(refused).toMatchObject({
      kind: 'failed',
      code: 'QUEUE_FULL',
      message: expect.stringMatching(/16 scenes/),
    });
    await waitUntil(() => atWork === 2, { describe: () => `two at work, not ${atWork}` });
    open();
    const kinds = (await Promise.all(answers)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'inspected')).toHaveLength(18);
    expect(most).toBe(2);
  });

  test('that leaves says so', async () => {
    let hasBegun = false;
    const node = await startNode(() => {
      hasBegun = true;
      return new Promise(() => undefined);
    });
    const answer = ask({});
    await waitUntil(() => hasBegun, { describe: 'the scene being looked into' });
    await node[Symbol.asyncDispose]();
    expect(await answer).toMatchObject({ kind: 'failed', code: 'NODE_LOST' });
  });
});
