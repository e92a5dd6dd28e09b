/**
 * The chaos run: `npm run chaos -- --minutes 10 --seed N`. A real farm of processes renders jobs of two studios while a
 * seeded plan kills, stops and cuts off its parts; then the invariants are audited and the cost is told (see options.ts
 * for the flags, figures.ts for what each figure means, audit.ts for what must hold).
 */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '#shared/errors.js';
import { connectCoordinator } from '#shared/wire/coordinator-client.js';
import { auditBus, auditFiles, auditProcesses, auditStore } from './audit.js';
import { auditEvents } from './audit-events.js';
import { type ChaosFarm, MARK, PREFIX, startChaosFarm } from './chaos-farm.js';
import { describeFault, type Fault, planFaults } from './fault-plan.js';
import { type Figures, figuresOf, type Observations } from './figures.js';
import { Journal } from './journal.js';
import { startObserver } from './observer.js';
import { type ChaosOptions, HELP, parseChaosOptions } from './options.js';
import { reportLines, verdicts } from './report.js';
import { seededRandom } from './seeded-random.js';
import { Workload } from './workload.js';

const AGENTS = 4;
/** After the last fault; the queue holds work for a quarter of it. */
const FINISH_MS = 120_000;
/** Clients act on the farm by chances of their own, so that the plan of faults does not depend on what they meet. */
const CLIENT_SEED = 0x5eed;

interface Outcome {
  readonly figures: Figures;
  readonly events: Readonly<Record<string, number>>;
  readonly jobs: number;
  readonly violations: readonly string[];
}

const interrupted = new AbortController();
let running: ChaosFarm | undefined;
// Connections and timers of a run that was cut short would keep the process.
process.exit(await main());

async function main(): Promise<number> {
  let options: ReturnType<typeof parseChaosOptions>;
  try {
    options = parseChaosOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${messageOf(error)}; "npm run chaos -- --help" tells more\n`);
    return 2;
  }
  if (options.act === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  const plan = planFaults({ ...options, agents: AGENTS });
  const out = options.json && options.act === 'run' ? process.stderr : process.stdout;
  const print = (line: string): void => void out.write(`${line}\n`);
  print(`seed ${options.seed}: ${plan.length} faults in ${options.durationMs / 60_000} min`);
  for (const fault of plan) print(`  plan ${describeFault(fault)}`);
  if (options.act === 'plan') return 0;
  const left = new Promise<number>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => void leave().then(() => resolve(130)));
  });
  try {
    const ended = run(options, plan, print).then((outcome) => tell(outcome, options, print));
    return await Promise.race([ended, left]);
  } catch (error) {
    if (interrupted.signal.aborted) return await left;
    await running?.destroy();
    throw error;
  }
}

function tell(outcome: Outcome, options: ChaosOptions, print: (line: string) => void): number {
  for (const line of reportLines(outcome.figures)) print(line);
  print(
    `events: ${Object.entries(outcome.events)
      .sort()
      .map(([kind, count]) => `${kind} ${count}`)
      .join(', ')}`,
  );
  for (const violation of outcome.violations) print(`VIOLATION (seed ${options.seed}): ${violation}`);
  print(
    outcome.violations.length === 0
      ? `seed ${options.seed}: every invariant holds in ${outcome.jobs} jobs`
      : `seed ${options.seed}: ${outcome.violations.length} violations`,
  );
  if (options.json)
    process.stdout.write(
      `${JSON.stringify({ seed: options.seed, ...outcome, verdicts: verdicts(outcome.figures) })}\n`,
    );
  return outcome.violations.length === 0 ? 0 : 1;
}

/** Ctrl-C: nothing of the run is left. */
async function leave(): Promise<void> {
  interrupted.abort(new Error('interrupted'));
  await running?.destroy();
  await running?.removeFolder();
}

async function run(
  options: ChaosOptions,
  plan: readonly Fault[],
  print: (line: string) => void,
): Promise<Outcome> {
  const journal = new Journal(print);
  const farm = await startChaosFarm({
    agents: AGENTS,
    journal,
    onFolder: (made) => {
      running = made;
      print(`folder ${made.folder}`);
    },
  });
  const client = connectCoordinator(farm.coordinatorAddress);
  const { signal } = interrupted;
  const workload = new Workload({
    ...{ client, folder: `${farm.folder}/scenes`, tmpDir: farm.tmpDir, signal, tileMs: options.tileMs },
    random: seededRandom(options.seed ^ CLIENT_SEED),
  });
  const observer = await startObserver({
    natsUrl: farm.natsUrl,
    prefix: PREFIX,
    openJobs: () => workload.openJobs(),
  });
  const violations: string[] = [];
  await workload.start();
  journal.begin();
  journal.say('the farm is at work');
  await disturb(farm, workload, plan, journal);
  await endOf(options.durationMs, journal);
  journal.say(`no more faults (${journal.skipped} met nothing); what runs is let to finish`);
  await farm.healed();
  await workload.finish(FINISH_MS).catch((error: unknown) => violations.push(messageOf(error)));
  journal.say(`${workload.jobs.length} jobs have ended; looking for what is wrong`);

  violations.push(...journal.unaskedEnds.map(({ target, how }) => `${target} ended by itself: ${how}`));
  violations.push(...workload.surprises, ...observer.garbage);
  const told = await auditEvents(client, workload.jobs, signal);
  violations.push(...told.violations, ...(await auditBus(observer)));
  await observer[Symbol.asyncDispose]();
  client.close();
  // nats-server 2.9 says 1 for a SIGTERM, later ones 0.
  for (const [name, ending] of await farm.shutDown())
    if (name === 'nats-server' ? ending?.signal : ending?.code !== 0)
      violations.push(
        `${name} was told to stop and ended with ${ending?.signal ?? `exit code ${ending?.code}`}`,
      );
  violations.push(...(await auditStore(farm.storeDir, workload.jobs)));
  violations.push(...(await auditFiles(farm)), ...(await auditProcesses(`${MARK}=${farm.folder}`)));

  const seen: Observations = {
    ...{ results: observer.results, heartbeats: observer.heartbeats, queue: observer.queue },
    ...{ outages: journal.outages, agents: farm.agents.map(({ name }) => name), tileMs: options.tileMs },
    ...{ speculated: told.speculated, retriedJobs: told.retriedJobs, givenUp: rendersGivenUp(farm) },
  };
  if (options.keep || violations.length > 0) {
    await writeFile(
      `${farm.folder}/seen.json`,
      JSON.stringify({ startMs: journal.startMs, ...seen, speculated: [...seen.speculated] }),
    );
    print(`the folder is kept, with what was seen in seen.json: ${farm.folder}`);
  } else await farm.removeFolder();
  return { figures: figuresOf(seen), events: told.counts, jobs: workload.jobs.length, violations };
}

/** Does what the plan says, when it says so. */
async function disturb(
  farm: ChaosFarm,
  workload: Workload,
  plan: readonly Fault[],
  journal: Journal,
): Promise<void> {
  const startMs = Date.now();
  for (const fault of plan) {
    await delay(Math.max(0, startMs + fault.atMs - Date.now()), undefined, { signal: interrupted.signal });
    const isDone =
      fault.kind === 'client-cancel'
        ? workload.cancelOne()
        : fault.kind === 'client-retry'
          ? workload.retryOne()
          : farm.inflict(fault);
    if (!isDone) journal.skipped++;
    journal.say(`${fault.kind} ${fault.target}${isDone ? '' : ': nothing to do it to'}`);
  }
}

async function endOf(durationMs: number, journal: Journal): Promise<void> {
  await delay(Math.max(0, journal.startMs + durationMs - Date.now()), undefined, {
    signal: interrupted.signal,
  });
}

/** Renders that were stopped since another node had the tile: agents say so in their logs. */
function rendersGivenUp(farm: ChaosFarm): Observations['givenUp'] {
  return farm.agents.flatMap(({ name, logFile }) =>
    readFileSync(logFile, 'utf8')
      .split('\n')
      .filter((line) => line.includes('tiles dropped that others have done'))
      .map((line) => JSON.parse(line) as { time: number; cancelled: number })
      .map(({ time, cancelled }) => ({ nodeId: name, atMs: time, renders: cancelled })),
  );
}
