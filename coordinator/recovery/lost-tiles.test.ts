import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HeldAttempt } from '#shared/bus/messages.js';
import { lostTiles, type QueuedAttempt, tilesOfLostNodes } from './lost-tiles.js';

/** Where a message of the stream is, as only the server knows. */
const PLACES = ['not delivered', 'with a live node', 'told by a lost node', 'never told'] as const;
type Place = (typeof PLACES)[number];

const held = ({ frame, tile, attempt }: QueuedAttempt, sequence: number): HeldAttempt => [
  frame,
  tile,
  attempt,
  sequence,
];

/** A queue whose first messages have been delivered, each to some node. */
function farm(places: readonly Place[], areSequencesKnown: boolean) {
  const delivered = places.filter((place) => place !== 'not delivered');
  const waiting = places.filter((place) => place === 'not delivered');
  const tiles = [...delivered, ...waiting].map((place, index) => {
    const sequence = index + 1;
    const queued: QueuedAttempt = {
      frame: Math.floor(index / 4) - 2,
      tile: index % 4,
      attempt: 1 + (index % 3),
      sequence: areSequencesKnown ? sequence : 0,
    };
    return { place, queued, held: held(queued, sequence) };
  });
  const at = (place: Place) => tiles.filter((tile) => tile.place === place);
  return {
    at,
    queued: tiles.map((tile) => tile.queued),
    lostHands: at('told by a lost node').map((tile) => tile.held),
    liveHands: at('with a live node').map((tile) => tile.held),
    deliveredUpTo: delivered.length,
  };
}

const places = fc.array(fc.constantFrom(...PLACES), { maxLength: 40 });
const names = (tiles: readonly QueuedAttempt[]) =>
  tiles.map(({ frame, tile, attempt }) => `${frame}/${tile}/${attempt}`).sort();

describe('lost tiles', () => {
  it('at first are what lost nodes told and no live node has, with their sequences', () => {
    fc.assert(
      fc.property(places, fc.boolean(), (where, areKnown) => {
        const { at, ...hands } = farm(where, areKnown);
        const found = lostTiles({ ...hands, deliveredUpTo: 0 });
        expect(names(found)).toEqual(names(at('told by a lost node').map((tile) => tile.queued)));
        expect(found.map((tile) => tile.sequence).sort((a, b) => a - b)).toEqual(
          hands.lostHands.map(([, , , sequence]) => sequence),
        );
      }),
    );
  });

  it('that were queued twice are told by the message that is there, whichever the node had', () => {
    const queued = { frame: 1, tile: 0, attempt: 1, sequence: 11 };
    const sequences = (known: number, told: number) => {
      const [candidates, hands] = [[{ ...queued, sequence: known }], [held(queued, told)]];
      const alone = lostTiles({ queued: candidates, lostHands: hands, liveHands: [], deliveredUpTo: 0 });
      return [...alone, ...tilesOfLostNodes(candidates, [])(hands)].map(({ sequence }) => sequence);
    };
    expect(sequences(11, 4)).toEqual([11, 11]);
    expect(sequences(4, 11)).toEqual([11, 11]);
    expect(sequences(0, 4)).toEqual([4, 4]);
  });

  it('of many nodes that are lost together are the same as of each alone', () => {
    fc.assert(
      fc.property(places, fc.boolean(), fc.nat(40), (where, areKnown, split) => {
        const { queued, liveHands, lostHands } = farm(where, areKnown);
        const tilesOf = tilesOfLostNodes(queued, liveHands);
        for (const hands of [lostHands.slice(0, split), lostHands.slice(split), liveHands]) {
          const alone = lostTiles({ queued, lostHands: hands, liveHands, deliveredUpTo: 0 });
          expect(tilesOf(hands)).toEqual(alone);
        }
      }),
    );
  });

  it('then are exactly the delivered ones that no live node has', () => {
    fc.assert(
      fc.property(places, (where) => {
        const { at, ...hands } = farm(where, true);
        const gone = [...at('told by a lost node'), ...at('never told')].map((tile) => tile.queued);
        expect(names(lostTiles({ ...hands, lostHands: [] }))).toEqual(names(gone));
      }),
    );
  });

  it('include every lost one, and none of a live node, when no sequence is known', () => {
    fc.assert(
      fc.property(places, (where) => {
        const { at, ...hands } = farm(where, false);
        const found = new Set(names(lostTiles({ ...hands, lostHands: [] })));
        const isFound = (place: Place) =>
          names(at(place).map((tile) => tile.queued)).map((name) => found.has(name));
        if (hands.deliveredUpTo > 0) {
          expect(isFound('told by a lost node').every(Boolean)).toBe(true);
          expect(isFound('never told').every(Boolean)).toBe(true);
        }
        expect(isFound('with a live node').some(Boolean)).toBe(false);
      }),
    );
  });

  it('are never tiles that have left the queue, whatever nodes tell', () => {
    fc.assert(
      fc.property(places, (where) => {
        const { at: _, ...hands } = farm(where, true);
        expect(lostTiles({ ...hands, queued: [] })).toEqual([]);
      }),
    );
  });
});
