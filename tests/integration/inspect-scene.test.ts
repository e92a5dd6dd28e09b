/** Scenes that are inspected by nodes: the nodes are heartbeats and answers. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  decodeMessage,
  encodeMessage,
  type InspectRequest,
  inspectRequestSchema,
} from '#shared/bus/messages.js';
import type { NodeId } from '#shared/domain/ids.js';
import { call } from '#shared/wire/coordinator-client.js';
import type { InspectRequest as WireRequest } from '#shared/wire/generated/guian/v1/InspectRequest.js';
import type { SceneInspection__Output } from '#shared/wire/generated/guian/v1/SceneInspection.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '../support/coordinator-farm.js';
import { startFakeNode } from '../support/fake-node.js';
import { farmCalls, SCENE, SCENE_DIGEST, spec } from '../support/farm-calls.js';
import { waitUntil } from '../support/wait-until.js';

/** Of the coordinator here. */
const TIME_LIMIT_MS = 1_500;

let farm: CoordinatorFarm;
let studio: ReturnType<typeof farmCalls>;

beforeAll(async () => {
  farm = await startCoordinatorFarm({ allowScripts: 'trusted,other' });
  studio = farmCalls(farm);
  await farm.start({ inspectTimeLimitMs: TIME_LIMIT_MS });
  await studio.upload(SCENE);
});
afterEach(async () => {
  await studio.cancelAll();
  await waitUntil(async () => (await studio.nodes()).length === 0, { describe: 'all nodes have left' });
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
});

const FILE = { digest: SCENE_DIGEST, sizeBytes: SCENE.length };
const manifest = { entry: 'shot.blend', files: [{ path: 'shot.blend', ...FILE }] };
const INSPECTION = {
  ...{ renderer: 'blender', rendererVersion: '4.1', savedWith: '3.4.1', frames: '5-7', fps: 25 },
  ...{ widthPx: 64, heightPx: 48, samples: 3, scene: 'Scene', scenes: ['Scene'], camera: 'Cam' },
  ...{ cameras: ['Cam'], viewLayers: ['ViewLayer'], layers: ['beauty', 'depth'] },
  files: [{ reference: '//bark.png', what: 'image "bark"', state: 'found', sizeBytes: 1, path: 'bark.png' }],
  ...{ notices: ['adaptive sampling is off'], scripts: [], problems: [] },
};
const inspected = (changes: object = {}) => ({
  kind: 'inspected',
  inspection: { ...INSPECTION, ...changes },
});

interface AskedNode extends Disposable {
  readonly asked: InspectRequest[];
}

/** @param answer what it says; bytes as they are; nothing: no answer. */
async function startNode(
  nodeId: string,
  answer: (request: InspectRequest) => unknown,
  { versions = ['4.1'], slots = 1 } = {},
): Promise<AskedNode & { leave(): void }> {
  const asked: InspectRequest[] = [];
  const subscription = farm.bus.connection.subscribe(farm.bus.names.inspect(nodeId as NodeId), {
    callback: (_error, message) => {
      const request = decodeMessage(inspectRequestSchema, message.data, 'request');
      asked.push(request);
      void Promise.resolve(answer(request)).then((said) => {
        if (said !== undefined) message.respond(said instanceof Uint8Array ? said : encodeMessage(said));
      });
    },
  });
  await farm.bus.connection.flush();
  const renderers = versions.map((version) => ({ name: 'blender', version }));
  const node = startFakeNode(farm.bus, nodeId, { renderers, slots });
  await waitUntil(async () => (await studio.nodes()).some((one) => one.nodeId === nodeId), {
    describe: `${nodeId} is known`,
  });
  const leave = () => {
    subscription.unsubscribe();
    node[Symbol.dispose]();
  };
  return { asked, leave, [Symbol.dispose]: leave };
}

const inspect = (changes: WireRequest = {}) =>
  call<SceneInspection__Output>(farm.client, (options, done) =>
    farm.client.packages.inspect({ manifest, ...changes }, options, done as never),
  );
const shot = (settings: object = {}, changes: object = {}) =>
  spec({ manifest, frames: '', settings: { formats: ['exr'], ...settings }, ...changes });

describe('an inspection', () => {
  it('is asked of the node with most idle slots, of the newest version, and comes back as it is', async () => {
    using small = await startNode('small', () => inspected());
    using large = await startNode('large', () => inspected(), { slots: 4 });
    using _old = await startNode('old', () => inspected(), { versions: ['3.10'], slots: 8 });
    expect(await inspect({ sourceRoot: '/studio/show' })).toMatchObject(INSPECTION);
    expect([small.asked.length, large.asked.length]).toEqual([0, 1]);
    expect(large.asked[0]).toEqual({
      manifest,
      renderer: 'blender',
      rendererVersion: '4.1',
      allowScripts: false,
      sourceRoot: '/studio/show',
    });
  });

  it('goes to another node when one says garbage, answers for something else, or cannot do it after all', async () => {
    const answers = [
      new TextEncoder().encode('no JSON'),
      inspected({ samples: -1 }),
      inspected({ rendererVersion: '3.4' }),
      { kind: 'failed', code: 'DISK_FULL', message: 'no space left in its cache' },
    ];
    for (const answer of answers) {
      using bad = await startNode('bad', () => answer, { slots: 2 });
      using good = await startNode('good', () => inspected());
      expect(await inspect()).toMatchObject(INSPECTION);
      expect([bad.asked.length, good.asked.length]).toEqual([1, 1]);
    }
  });

  it('goes to another node when one is silent or too late; what it says then is nobody’s', async () => {
    const late = delay(2 * TIME_LIMIT_MS).then(() => inspected({ frames: '666' }));
    using slow = await startNode('slow', () => late, { slots: 2 });
    using _good = await startNode('good', () => inspected());
    expect((await inspect()).frames).toBe('5-7');
    expect(slow.asked).toHaveLength(1);
    await late;
    expect((await inspect({ rendererVersion: '4.1' })).frames).toBe('666');
  });

  it('fails with what each node did when none answers', async () => {
    using deaf = await startNode('deaf', () => undefined, { slots: 2 });
    const leaving: AskedNode & { leave(): void } = await startNode('leaving', () => leaving.leave());
    const error = await inspect().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'NODE_LOST' });
    expect((error as Error).message).toMatch(
      /node deaf gave no answer within 1\.5 s; node leaving was lost; try again/,
    );
    expect(deaf.asked).toHaveLength(1);
  });

  it('ends with what a node says of the scene, and asks no other', async () => {
    using bad = await startNode(
      'bad',
      () => ({ kind: 'failed', code: 'SCENE_INVALID', message: 'no\n.blend file' }),
      { slots: 2 },
    );
    using other = await startNode('other', () => inspected());
    await expect(inspect()).rejects.toMatchObject({ code: 'SCENE_INVALID', message: 'no .blend file' });
    expect([bad.asked.length, other.asked.length]).toEqual([1, 0]);
  });

  it('keeps to the codes that there are', async () => {
    using _odd = await startNode('odd', () => ({ kind: 'failed', code: 'OUT_OF_CHEESE', message: 'none' }));
    await expect(inspect()).rejects.toMatchObject({ code: 'RENDER_FAILED', message: 'OUT_OF_CHEESE: none' });
  });

  it('needs a node that has the renderer', async () => {
    await expect(inspect()).rejects.toMatchObject({
      code: 'RENDERER_MISSING',
      message: expect.stringContaining('no node is ready'),
    });
    using _node = await startNode('node', () => inspected());
    await expect(inspect({ rendererVersion: '3.4' })).rejects.toMatchObject({
      code: 'RENDERER_MISSING',
      message: expect.stringMatching(/no node has blender 3\.4 .*; nodes have blender 4\.1;/),
    });
  });

  it.each([
    [
      'a file that was not uploaded',
      { manifest: { ...manifest, files: [{ ...manifest.files[0]!, digest: 'ef'.repeat(32) }] } },
      'BLOBS_MISSING',
      /not in the store/,
    ],
    [
      'a scene that no renderer is known for',
      { manifest: { entry: 's.txt', files: [{ path: 's.txt', ...FILE }] } },
      'JOB_SPEC_INVALID',
      /renderer is empty.*\.blend, \.pov/,
    ],
    [
      'scripts for a studio that may not',
      { allowScripts: true },
      'SCENE_NEEDS_SCRIPTS',
      /studio "default".*--allow-scripts default/,
    ],
    ['a manifest that is missing', { manifest: null }, 'JOB_SPEC_INVALID', /^manifest is missing/],
  ])('is refused for %s', async (_what, request, code, message) => {
    await expect(inspect(request)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe('a job that was not inspected by its client', () => {
  it('gets the scene’s own values and warnings, from the version that it is pinned to', async () => {
    using old = await startNode('old', () => inspected({ rendererVersion: '3.4' }), {
      versions: ['3.4'],
      slots: 2,
    });
    using _new = await startNode('new', () => inspected());
    const { job } = await studio.submit(shot({ samples: 9 }));
    expect(job!.spec).toMatchObject({
      frames: '5-7',
      rendererVersion: '3.4',
      settings: { renderer: 'blender', widthPx: 64, heightPx: 48, samples: 9, fps: 25, camera: 'Cam' },
    });
    expect(job!.spec!.settings!.layers).toEqual(['beauty', 'depth']);
    expect(job!.warnings).toEqual(['adaptive sampling is off']);
    expect(old.asked).toHaveLength(1);
  });

  it('is refused for missing files and scripts, unless they are allowed', async () => {
    const files = [{ reference: '//gone.png', what: 'image "gone"', state: 'missing', sizeBytes: 0 }];
    using node = await startNode('node', () => inspected({ files, scripts: ['text "rig.py"'] }));
    await expect(studio.submit(shot())).rejects.toMatchObject({ code: 'SCENE_FILE_MISSING' });
    await expect(studio.submit(shot({ allowMissing: true }))).rejects.toMatchObject({
      code: 'SCENE_NEEDS_SCRIPTS',
      message: expect.stringContaining('text "rig.py"'),
    });
    const both = { allowMissing: true, allowScripts: true };
    await expect(studio.submit(shot(both))).rejects.toMatchObject({
      code: 'SCENE_NEEDS_SCRIPTS',
      message: expect.stringContaining('--allow-scripts default'),
    });
    const { job } = await studio.submit(shot(both, { studio: 'trusted' }));
    expect(job!.spec!.settings).toMatchObject(both);
    expect(node.asked.map(({ allowScripts }) => allowScripts)).toEqual([false, false, true]);
  });
});

it('a job whose client has inspected the scene is taken while no node is there, with all that it asks for', async () => {
  const settings = {
    ...{ widthPx: 64, heightPx: 48, samples: 3, viewLayer: 'fg', threadsPerSlot: 2 },
    ...{ allowMissing: true, sourceRoot: '/studio/show' },
  };
  const { job } = await studio.submit(shot(settings, { frames: '1' }));
  expect(job!.spec).toMatchObject({ rendererVersion: '', settings: { renderer: 'blender', ...settings } });
});
