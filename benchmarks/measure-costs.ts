/**
 * Measures where in a frame the path tracer's time goes, for `makespan.bench.ts`: every tile of 16 px by itself, in the
 * CPU time of its thread (which other work on the machine does not disturb), the least of two rounds.
 *
 * `node dist/benchmarks/measure-costs.js SCENE --frames 0,1 --size 1280x720 --samples 8 --env none --out FILE`
 */
import { writeFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { tileGrid } from '#coordinator/planning/tile-grid.js';
import { PreparedFrames } from '#node-agent/prepared-frames.js';
import { RenderPool } from '#node-agent/render-pool.js';
import { type RenderSettings, renderSettingsSchema } from '#shared/domain/job.js';
import { invariant } from '#shared/invariant.js';
import { createLogger } from '#shared/log.js';
import type { MeasuredCosts } from './support/measured-costs.js';

const CELL_PX = 16;
const ROUNDS = 2;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    frames: { type: 'string', default: '0' },
    size: { type: 'string', default: '1280x720' },
    samples: { type: 'string', default: '8' },
    env: { type: 'string', default: 'auto' },
    out: { type: 'string' },
  },
});
const [scene] = positionals;
invariant(scene && values.out, 'usage: measure-costs SCENE --out FILE');
const [widthPx, heightPx] = values.size.split('x').map(Number);
const settings = renderSettingsSchema.parse({
  ...{ widthPx, heightPx, samples: Number(values.samples), fps: 24 },
  environment: { kind: values.env },
});
const logger = createLogger('costs', 'warn');
await using prepared = new PreparedFrames(logger);
await using pool = new RenderPool({ slots: 1, logger });
const frames: MeasuredCosts['frames'] = [];
for (const frame of values.frames.split(',').map(Number))
  frames.push({ frame, cellMs: await measure(scene, settings, frame) });
const { samples } = settings;
const measured: MeasuredCosts = {
  how: `node dist/benchmarks/measure-costs.js ${basename(scene)} --frames ${values.frames} --size ${values.size} --samples ${samples} --env ${values.env}`,
  scene: basename(scene),
  ...{ widthPx: settings.widthPx, heightPx: settings.heightPx, cellPx: CELL_PX, samples, frames },
};
writeFileSync(values.out, `${JSON.stringify(measured)}\n`);

/** CPU time of each cell in rows from the top left, in hundredths of a ms. */
async function measure(file: string, settings: RenderSettings, frame: number): Promise<number[]> {
  const grid = tileGrid(settings, { tileWidthPx: CELL_PX, tileHeightPx: CELL_PX });
  const key = String(frame);
  const source = { folder: dirname(resolve(file)), entry: basename(file) };
  const hold = prepared.hold(key, { renderer: settings.renderer, scene: source, settings, frame });
  const outcome = await hold.outcome;
  invariant(outcome.kind === 'ready', `frame ${frame} of ${file} cannot be prepared`);
  const least = new Float64Array(grid.count).fill(Number.POSITIVE_INFINITY);
  for (let round = 0; round < ROUNDS; round++) {
    for (let tile = 0; tile < grid.count; tile++) {
      const rendered = await pool.render(key, outcome.context, grid.regionOfTile(tile)).outcome;
      invariant(rendered.kind === 'rendered', `tile ${tile} was not rendered`);
      least[tile] = Math.min(least[tile]!, rendered.coreSeconds * 1000);
    }
  }
  hold.release();
  return Array.from(least, (ms) => Math.round(ms * 100) / 100);
}
