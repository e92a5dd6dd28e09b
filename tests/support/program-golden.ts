/**
 * Invariant 1 for renderers that are programs of their own, through farms of real processes: whatever the tiles, the number
 * of agents and whoever is killed, frames have the very bits that one process makes in one piece.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { processTree } from '#node-agent/renderers/program/process-tree.js';
import type { Renderer } from '#node-agent/renderers/renderer.js';
import { type RenderSettings, renderSettingsSchema } from '#shared/domain/job.js';
import { decodeExr } from '#shared/image/exr-decode.js';
import { decodeTile, encodeTile, type LayerSamples } from '#shared/image/tile-codec.js';
import type { ExamplePackage } from './example-package.js';
import { type FaultAgent, type FaultFarm, startFaultFarm } from './fault-farm.js';
import { jobEnds, lookAt } from './fault-job.js';
import { expectSamePlanes } from './same-planes.js';
import { makeSlot } from './session.js';
import { waitUntil } from './wait-until.js';

export interface ProgramGolden {
  /** Asked when it is needed: tests are collected where the program is missing, too. */
  readonly renderer: () => Renderer;
  readonly source: ExamplePackage;
  /** Of its process, as the kernel has it. */
  readonly processName: string;
  readonly settings: Parameters<typeof renderSettingsSchema.parse>[0];
  readonly frames: readonly [number, number];
  /** Of the jobs in which something is killed: tiles long enough to be met at work. */
  readonly longSettings: Parameters<typeof renderSettingsSchema.parse>[0];
}

const NEVER_CANCELLED = { isCancelled: () => false, progress: () => undefined };
const TILES = ['32', '37x53', '128'];
const WAIT_MS_MAX = 90_000;
const TEST_MS_MAX = 180_000;

export function describeProgramGolden(golden: ProgramGolden): void {
  describe.each([1, 3])('a farm of %i agent(s)', (count) => {
    let farm: FaultFarm;
    beforeAll(async () => {
      farm = await startFaultFarm();
      await upload(farm, golden.source);
      for (let index = 1; index <= count; index++) await farm.startAgent(`node-${index}`);
    }, TEST_MS_MAX);
    afterAll(async () => {
      await farm[Symbol.asyncDispose]();
    });

    it.each(TILES)('tiles of %s px: the same bits', { timeout: TEST_MS_MAX }, async (tile) => {
      const jobId = await submit(farm, golden, golden.settings, tile);
      await expectSameFrames(farm, jobId, golden, golden.settings);
    });
  });

  describe('in mid-frame, of two agents', () => {
    it(`a ${golden.processName} is killed`, { timeout: TEST_MS_MAX }, async () => {
      await using farm = await startFaultFarm();
      const { jobId, agent } = await jobAtWork(farm, golden);
      const [pid] = await programsOf(agent, golden.processName);
      process.kill(pid!, 'SIGKILL');
      await expectUnfinished(farm, jobId);
      const failures = await expectSameFrames(farm, jobId, golden, golden.longSettings);
      expect(failures, 'failed attempts').toBeLessThanOrEqual(1);
    });

    it('an agent is killed, and what it started goes with it', { timeout: TEST_MS_MAX }, async () => {
      await using farm = await startFaultFarm();
      const { jobId, agent } = await jobAtWork(farm, golden);
      const pids = await programsOf(agent, golden.processName);
      await agent.kill();
      await expectUnfinished(farm, jobId);
      await waitUntil(() => pids.every((pid) => !isThere(pid)), {
        timeoutMs: WAIT_MS_MAX,
        describe: () => `the end of ${golden.processName} ${pids.filter(isThere)}`,
      });
      expect(await expectSameFrames(farm, jobId, golden, golden.longSettings)).toBe(0);
    });
  });
}

async function upload({ studio }: FaultFarm, { blobs }: ExamplePackage): Promise<void> {
  for (const blob of blobs) await studio.upload(blob);
}

async function submit(
  { studio }: FaultFarm,
  { source, frames }: ProgramGolden,
  settings: ProgramGolden['settings'],
  tile: string,
): Promise<string> {
  const answer = await studio.submit({
    name: 'golden',
    manifest: source.manifest,
    frames: `${frames[0]}-${frames[1]}`,
    tile,
    settings: { ...(settings as object), formats: ['exr'] },
  });
  return answer.job!.jobId;
}

/** Two agents, a job of long tiles with one of them done, and an agent that is at another. */
async function jobAtWork(
  farm: FaultFarm,
  golden: ProgramGolden,
): Promise<{ jobId: string; agent: FaultAgent }> {
  await upload(farm, golden.source);
  const agent = await farm.startAgent('node-1');
  await farm.startAgent('node-2');
  const jobId = await submit(farm, golden, golden.longSettings, '32');
  await waitUntil(
    async () => {
      const job = await lookAt(farm, jobId);
      // A job that cannot be rendered at all: the test's last part tells why.
      return (job?.progress?.tilesDone ?? 0) >= 1 || (job?.finishedAtMs ?? 0) > 0;
    },
    { timeoutMs: WAIT_MS_MAX, describe: `a tile of ${jobId} to be done` },
  );
  return { jobId, agent };
}

/** Waits for one: some programs live for a tile only. */
const programsOf = ({ part }: FaultAgent, name: string): Promise<number[]> =>
  waitUntil(
    () => {
      const pids = processTree([part.pid!])
        .map(({ pid }) => pid)
        .filter((pid) => nameOf(pid) === name);
      return pids.length > 0 ? pids : undefined;
    },
    { timeoutMs: WAIT_MS_MAX, describe: `${name} to run under ${part.name}` },
  );

function nameOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch (error) {
    // It has ended between the two looks.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

const isThere = (pid: number): boolean =>
  processTree([pid]).some((found) => found.pid === pid && !found.isZombie);

/** Or the kill came too late to matter. */
async function expectUnfinished(farm: FaultFarm, jobId: string): Promise<void> {
  const { tilesDone, tilesTotal } = (await lookAt(farm, jobId))!.progress!;
  expect(tilesDone, 'tiles done at the kill').toBeLessThan(tilesTotal);
}

/** @returns how many attempts failed on the way. */
async function expectSameFrames(
  farm: FaultFarm,
  jobId: string,
  golden: ProgramGolden,
  wanted: ProgramGolden['settings'],
): Promise<number> {
  await jobEnds(farm, jobId);
  const told = await farm.studio.watch(jobId, 0, true);
  const story = told.map(({ kind, message }) => `${kind}: ${message}`).join('\n');
  expect((await lookAt(farm, jobId))?.state, story).toBe('finished');
  const events = await farm.studio.ended(jobId);
  const count = (kind: string) => events.filter((event) => event.kind === kind).length;
  expect(count('frame_finished'), story).toBe(2);
  expect(count('tile_failed'), story).toBe(0);
  const settings = renderSettingsSchema.parse(wanted);
  for (const [at, frame] of golden.frames.entries()) {
    const { planes, widthPx, heightPx } = decodeExr(await farm.studio.download(jobId, frame, 'exr'));
    expect([widthPx, heightPx]).toEqual([settings.widthPx, settings.heightPx]);
    for (const layer of (await undisturbed(golden, settings))[at]!) expectSamePlanes(layer, planes);
  }
  return count('attempt_failed');
}

const references = new Map<string, Promise<LayerSamples[][]>>();

/** Both frames, each in one piece, by one session in this process. */
function undisturbed(golden: ProgramGolden, settings: RenderSettings): Promise<LayerSamples[][]> {
  const key = JSON.stringify(settings);
  const reference = references.get(key) ?? renderFrames(golden, settings);
  references.set(key, reference);
  return reference;
}

async function renderFrames(
  { renderer: make, source: { scene }, frames }: ProgramGolden,
  settings: RenderSettings,
): Promise<LayerSamples[][]> {
  await using slot = await makeSlot();
  const renderer = make();
  const session = await renderer.open(slot);
  try {
    const rendered: LayerSamples[][] = [];
    for (const frame of frames) {
      const prepared = await renderer.prepare({ scene, settings, frame });
      const { widthPx, heightPx } = settings;
      const region = { x0: 0, y0: 0, x1: widthPx, y1: heightPx };
      const whole = await session.render({ scene, settings, frame, region, prepared }, NEVER_CANCELLED);
      // As it is stored: most layers as half floats.
      const bytes = encodeTile(whole.layers, widthPx, heightPx);
      rendered.push([...decodeTile(bytes, { layers: settings.layers, widthPx, heightPx }).layers]);
    }
    return rendered;
  } finally {
    await session.close();
  }
}
