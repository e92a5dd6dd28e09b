/** In which order the tiles of a grid are given out. */
import type { TileOrderName } from '#shared/domain/schedule.js';
import type { TileGrid } from './tile-grid.js';

/** Gives the tile at a place, 0-based. `rows` stores nothing; a spiral two bytes per tile, for all frames together. */
export function tilePlaces(
  { columns, rows, count }: TileGrid,
  order: TileOrderName,
): (place: number) => number {
  if (order === 'rows') return (place) => place;
  const tiles = new Uint16Array(count);
  let place = 0;
  for (const [column, row] of spiral(columns, rows)) tiles[place++] = row * columns + column;
  return (at) => tiles[at]!;
}

/** From the middle outwards: right, down, left, up, each arm longer than the one before; what lies outside is passed over. */
function* spiral(columns: number, rows: number): Generator<readonly [column: number, row: number]> {
  const middleColumn = (columns - 1) >> 1;
  const middleRow = (rows - 1) >> 1;
  // Of a wide frame, whole rings have long stretches outside: a ring is cut to the frame before it is walked.
  const ringsMax = Math.max(columns, rows);
  yield [middleColumn, middleRow];
  for (let ring = 1; ring <= ringsMax; ring++) {
    const left = middleColumn - ring;
    const right = middleColumn + ring;
    const top = middleRow - ring;
    const bottom = middleRow + ring;
    const columnsIn = (from: number, to: number) => [Math.max(0, from), Math.min(columns - 1, to)] as const;
    const rowsIn = (from: number, to: number) => [Math.max(0, from), Math.min(rows - 1, to)] as const;
    if (right < columns) {
      const [from, to] = rowsIn(top + 1, bottom);
      for (let row = from; row <= to; row++) yield [right, row];
    }
    if (bottom < rows) {
      const [from, to] = columnsIn(left, right - 1);
      for (let column = to; column >= from; column--) yield [column, bottom];
    }
    if (left >= 0) {
      const [from, to] = rowsIn(top, bottom - 1);
      for (let row = to; row >= from; row--) yield [left, row];
    }
    if (top >= 0) {
      const [from, to] = columnsIn(left + 1, right);
      for (let column = from; column <= to; column++) yield [column, top];
    }
  }
}
