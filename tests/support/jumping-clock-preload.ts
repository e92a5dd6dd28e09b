/**
 * Loaded into a process before anything else (NODE_OPTIONS=--import): its wall clock is off by what a file says, from the
 * moment that the file says so, as when somebody or NTP sets the machine's clock. The clock that only goes forward
 * (`performance.now()`, timers) is left alone, as the kernel does.
 */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** A file per part of the farm, `coordinator` or an agent's node id; ms. */
const folder = process.env['JUMPING_CLOCK_DIR'] ?? '';
const LOOK_EVERY_MS = 20;
const RealDate = Date;
const file = join(folder, basename(partOf(process.argv)));
let offsetMs = 0;
let lookedAtMs = Number.NEGATIVE_INFINITY;

function partOf(argv: readonly string[]): string {
  const nodeId = argv.indexOf('--node-id');
  return (nodeId > 0 ? argv[nodeId + 1] : argv[2]) ?? 'nobody';
}

function nowMs(): number {
  if (performance.now() - lookedAtMs > LOOK_EVERY_MS) {
    lookedAtMs = performance.now();
    offsetMs = readOffset();
  }
  return RealDate.now() + offsetMs;
}

function readOffset(): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [nowMs()] : args, newTarget) as Date,
  apply: () => new RealDate(nowMs()).toString(),
  get: (target, key) => (key === 'now' ? nowMs : Reflect.get(target, key)),
});
