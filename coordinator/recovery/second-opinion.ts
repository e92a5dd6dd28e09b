/**
 * Some tiles count only once two nodes have given the same pixels: memory that flips bits, or a miscompiled renderer,
 * gives results that are well-formed and wrong. Pure functions of what came, in the order in which it came, so that a
 * restart, which reads the results again, decides as before.
 */
import type { NodeId, PlanId } from '#shared/domain/ids.js';

export interface Opinion {
  readonly nodeId: NodeId;
  readonly attempt: number;
  readonly digest: string;
}

export type Verdict<T extends Opinion> =
  /** It is one of the candidates, come again. */
  | { readonly kind: 'repeated' }
  /** The first one. */
  | { readonly kind: 'waits' }
  /** It equals no other; one more node is asked. */
  | { readonly kind: 'differs' }
  /** A node has given the pixels that it gave before, and others are there, or may be: it says nothing new. */
  | { readonly kind: 'own' }
  /** No two are equal, and no more are asked for. */
  | { readonly kind: 'undecidable' }
  | {
      readonly kind: 'agrees';
      readonly accepted: T;
      /** By another node: one that agrees with itself counts only since no other is there. */
      readonly isVerified: boolean;
      /** Candidates with other pixels. */
      readonly odd: readonly T[];
    };

/**
 * @param candidates earlier valid results of the tile, no two of them equal.
 * @param candidatesMax so many different ones are undecidable; 2 at least.
 * @param isNobodyLeft whether every node that may take the tile has given a result or has failed it; false: not known.
 *   Asked for only where a node agrees with itself.
 */
export function secondOpinion<T extends Opinion>(
  candidates: readonly T[],
  next: T,
  candidatesMax: number,
  isNobodyLeft: () => boolean,
): Verdict<T> {
  const isRepeated = candidates.some(
    ({ nodeId, attempt }) => nodeId === next.nodeId && attempt === next.attempt,
  );
  if (isRepeated) return { kind: 'repeated' };
  const accepted = candidates.find(({ digest }) => digest === next.digest);
  if (accepted) {
    const isVerified = accepted.nodeId !== next.nodeId;
    // An attempt may come to a node that was to avoid it: queued before that was known, or while nobody else was there.
    if (!isVerified && !isNobodyLeft()) return { kind: 'own' };
    const odd = candidates.filter((candidate) => candidate !== accepted);
    return { kind: 'agrees', accepted, isVerified, odd };
  }
  if (candidates.length === 0) return { kind: 'waits' };
  return { kind: candidates.length + 1 >= Math.max(2, candidatesMax) ? 'undecidable' : 'differs' };
}

/**
 * Whether a tile is one of those that need a second opinion: the same ones after every restart and at every retry.
 * @param ratio of all tiles, 0 to 1.
 */
export function needsSecondOpinion(planId: PlanId, frame: number, tile: number, ratio: number): boolean {
  if (ratio <= 0) return false;
  return ratio >= 1 || hash32(`${planId}/${frame}/${tile}`) / 2 ** 32 < ratio;
}

/** FNV-1a with the finalizer of MurmurHash3, without which keys that differ at their end lie close together. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
