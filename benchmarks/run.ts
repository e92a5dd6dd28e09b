/**
 * Runs one benchmark in this process: `node dist/benchmarks/run.js <name> [--record] [--frames N]`. `npm run bench` starts one such
 * process per benchmark, so that none inherits another's heap or compiled code.
 */
import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '#cli/output/table.js';
import { type Benchmark, type Figures, isMet, type Target } from './support/benchmark.js';
import { appendHistory } from './support/history.js';
import { thisMachine } from './support/machine.js';
import { ROOT } from './support/root.js';

const { positionals, values: flags } = parseArgs({
  allowPositionals: true,
  options: { record: { type: 'boolean', default: false }, frames: { type: 'string' } },
});
const [name] = positionals;
const { benchmark } = (await import(new URL(`./${name}.bench.js`, import.meta.url).href)) as {
  benchmark: Benchmark;
};
const machine = thisMachine();
print(`\n${name}: ${benchmark.question}`);
print(`  ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, commit ${machine.commit}`);
const { rows, targets } = await benchmark.run(
  (line) => print(`  ${line}`),
  flags.frames === undefined ? {} : { frames: Number(flags.frames) },
);
printRows(rows);
for (const target of targets) print(`  ${verdict(target)}`);
if (flags.record) {
  print(`  recorded in ${relative(ROOT, appendHistory(name!, machine, rows))}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function printRows(rows: readonly Figures[]): void {
  const columns = Object.keys(rows[0]!);
  for (const line of table(
    columns,
    rows.map((row) => Object.values(row).map(String)),
  ).split('\n')) {
    if (line !== '') print(`  ${line}`);
  }
}

function verdict(target: Target): string {
  const bound = target.atLeast !== undefined ? `at least ${target.atLeast}` : `at most ${target.atMost}`;
  return `${isMet(target) ? 'met' : 'MISSED'}: ${target.what} is ${target.value} (wanted: ${bound})`;
}
