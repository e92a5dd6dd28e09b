/**
 * Tiles that last for as long as a test wants, on one node of a farm and nowhere else: so that a test which strikes a node
 * at work cannot come too late, however busy the machine is.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FarmPart } from '#cli/farm/farm-part.js';

export interface HeldTiles extends Disposable {
  /** Part of the scene of jobs whose tiles are to be held. */
  readonly scene: object;
  /** The node's temporary folder, for an agent that is started otherwise. */
  readonly tmp: string;
  /** The node's agent, as started; it must not run. What starts it again by itself does not hold any tile. */
  startHolder(agent: FarmPart): Promise<void>;
  /** From now on, what the node begins to render does not end by itself. It heeds a cancel. */
  hold(): void;
  /** What it begins from now on ends. */
  release(): void;
}

export function heldTiles(): HeldTiles {
  const tmp = mkdtempSync(join(tmpdir(), 'guian-held-'));
  const name = `guian-fault-${randomBytes(6).toString('hex')}`;
  const file = join(tmp, name);
  return {
    tmp,
    scene: { endlessTiles: ['*'], failWhileFile: name },
    async startHolder(agent) {
      const before = process.env['TMPDIR'];
      // Its machine's alone, as far as a renderer can tell.
      process.env['TMPDIR'] = tmp;
      const started = agent.start();
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
      await started;
    },
    hold: () => writeFileSync(file, ''),
    release: () => rmSync(file, { force: true }),
    [Symbol.dispose]: () => rmSync(tmp, { recursive: true, force: true }),
  };
}
