/**
 * Points of a tile's life at which a test strikes, told from what passes between an agent and nats-server. So the real
 * agent is struck, at a protocol message and not at a guess of the time, and it needs no entrance for tests.
 */
import { type Heartbeat, RESULT_HEADER, type ResultMeta } from '#shared/bus/messages.js';
import { type NatsFrame, NatsFrames } from './nats-frames.js';
import type { LinkFilter } from './tcp-proxy.js';

export const TILE_POINTS = [
  'delivered',
  'rendering',
  'result half published',
  'result published, not acked',
] as const;
export type TilePoint = (typeof TILE_POINTS)[number];

export interface TileWatch {
  /** For the agent's link: from the point on, nothing that the agent says on that connection goes through. */
  readonly filter: LinkFilter;
  /** For the agent's link: everything goes through. Not for points that lie between two messages sent together. */
  readonly passing: LinkFilter;
  /** The point was reached, and `onPoint` was called. */
  readonly isReached: boolean;
}

/**
 * The first time that the agent gets to the point, `onPoint` is called. Whatever process it kills is killed at that very
 * point, since nothing that the agent had still to say gets through.
 */
export function watchFor(point: TilePoint, onPoint: () => void): TileWatch {
  let isReached = false;
  let isStruck = false;
  const strike = (): void => {
    isReached = true;
    // What was let through in this turn is handed to the sockets first.
    setImmediate(() => {
      onPoint();
      isStruck = true;
    });
  };
  const filterOf =
    (silences: boolean): LinkFilter =>
    () => {
      let isSilenced = false;
      const atPoint = (): void => {
        if (isReached) return;
        isSilenced = silences;
        strike();
      };
      const [up, down] = [new NatsFrames(), new NatsFrames()];
      let firstPart: NatsFrame | undefined;
      const passesUp = (frame: NatsFrame): boolean => {
        if (isSilenced) return false;
        if (isReached) return true;
        switch (point) {
          case 'rendering':
            if (isRendering(frame)) atPoint();
            return true;
          case 'result half published': {
            const meta = resultOf(frame);
            if (!firstPart && meta && meta.partCount > 1) firstPart = frame;
            return !firstPart || frame === firstPart;
          }
          case 'result published, not acked':
            if (!isAck(frame)) return true;
            atPoint();
            return false;
          case 'delivered':
            return true;
          default:
            return point satisfies never;
        }
      };
      const passesDown = (frame: NatsFrame): void => {
        if (point === 'delivered' && isTile(frame)) atPoint();
        // The stream has the one part, and says so.
        if (firstPart && frame.subject === firstPart.reply) atPoint();
      };
      return {
        up: (chunk) =>
          Buffer.concat(
            up
              .push(chunk)
              .filter(passesUp)
              .map(({ bytes }) => bytes),
          ),
        down: (chunk) => {
          for (const frame of down.push(chunk)) passesDown(frame);
          return chunk;
        },
      };
    };
  return {
    filter: filterOf(true),
    passing: filterOf(false),
    get isReached() {
      return isStruck;
    },
  };
}

const isTile = ({ op, subject, reply }: NatsFrame): boolean =>
  op.endsWith('MSG') && /^[^.]+\.tiles\./.test(subject) && reply.startsWith('$JS.ACK.');

const isAck = ({ subject, payload }: NatsFrame): boolean =>
  /^\$JS\.ACK\.[^.]*_TILES\./.test(subject) && payload.toString() === '+ACK';

function isRendering({ op, subject, payload }: NatsFrame): boolean {
  if (op !== 'PUB' || !/^[^.]+\.heartbeat\./.test(subject)) return false;
  const { slotsBusy, inHand } = JSON.parse(payload.toString()) as Heartbeat;
  return slotsBusy > 0 && inHand.length > 0;
}

function resultOf({ op, headers }: NatsFrame): ResultMeta | undefined {
  if (op !== 'HPUB') return undefined;
  const line = headers.split('\r\n').find((header) => header.startsWith(`${RESULT_HEADER}:`));
  return line ? (JSON.parse(line.slice(RESULT_HEADER.length + 1)) as ResultMeta) : undefined;
}
