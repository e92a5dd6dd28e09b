/** The figures of a chaos run as lines for people, each target with its verdict. */
import type { Figures, Spread } from './figures.js';

export interface Verdict {
  readonly what: string;
  readonly value: string;
  readonly wanted: string;
  readonly isMet: boolean | undefined;
}

const seconds = (ms: number | undefined): string => (ms === undefined ? '–' : `${(ms / 1_000).toFixed(2)} s`);
const spreadText = ({ count, p50, max }: Spread): string =>
  count === 0 ? 'none' : `p50 ${seconds(p50)}, max ${seconds(max)} of ${count}`;
const atMost = (value: number | undefined, bound: number): boolean | undefined =>
  value === undefined ? undefined : value <= bound;

/** The promises of the farm. */
export function verdicts(figures: Figures): Verdict[] {
  const { tileRecoveryAlone: tiles, natsStallAlone: stall } = figures;
  const hasWatched = figures.watchedWithoutCoordinatorMs > 0;
  return [
    {
      what: 'killed agent → its tile renders elsewhere, p50',
      value: seconds(tiles.p50),
      wanted: '≤ 4 s',
      isMet: atMost(tiles.p50, 4_000),
    },
    {
      what: 'killed agent → its tile renders elsewhere, max',
      value: seconds(tiles.max),
      wanted: '≤ 6 s',
      isMet: atMost(tiles.max, 6_000),
    },
    {
      what: 'killed coordinator: idle slot time while tiles are queued',
      value: `${seconds(figures.idleWithoutCoordinatorMs)} of ${seconds(figures.watchedWithoutCoordinatorMs)}`,
      wanted: '0 s',
      isMet: hasWatched ? figures.idleWithoutCoordinatorMs === 0 : undefined,
    },
    {
      what: 'killed nats-server → next result stored, max',
      value: seconds(stall.max),
      wanted: '≤ 3 s',
      isMet: atMost(stall.max, 3_000),
    },
    {
      what: 'wasted work',
      value: `${figures.wastedPercent.toFixed(2)} %`,
      wanted: '≤ 2 %',
      isMet: atMost(figures.wastedPercent, 2),
    },
  ];
}

export function reportLines(figures: Figures): string[] {
  const survived = Object.entries(figures.faultsSurvived)
    .sort()
    .map(([kind, count]) => `${kind} ${count}`);
  const lines = [
    `faults survived: ${survived.join(', ') || 'none'}`,
    `tiles rendered ${figures.tilesRendered}, redone ${figures.tilesRedone}, second copies on purpose ${figures.tilesSpeculated}`,
    `core-seconds ${figures.coreSeconds.toFixed(1)}, wasted ${figures.wastedCoreSeconds.toFixed(1)} (${figures.wastedOfKilledRenders.toFixed(1)} in renders that were killed)`,
    `killed agent → its tile renders elsewhere: alone ${spreadText(figures.tileRecoveryAlone)}; all ${spreadText(figures.tileRecoveryAll)}`,
    `killed agent → its slot's next tile (restart included): alone ${spreadText(figures.slotRecoveryAlone)}; all ${spreadText(figures.slotRecoveryAll)}`,
    `killed coordinator → ready again: ${spreadText(figures.coordinatorAwayMs)}`,
    `idle slot time while tiles are queued and the coordinator is there: ${figures.idleOtherwisePercent?.toFixed(2) ?? '–'} %`,
    `killed nats-server → next result stored (restart included): alone ${spreadText(figures.natsStallAlone)}; all ${spreadText(figures.natsStallAll)}`,
  ];
  for (const { what, value, wanted, isMet } of verdicts(figures)) {
    const verdict = isMet === undefined ? 'NOT SEEN' : isMet ? 'MET' : 'MISSED';
    lines.push(`${verdict.padEnd(8)} ${what}: ${value} (wanted ${wanted})`);
  }
  return lines;
}
