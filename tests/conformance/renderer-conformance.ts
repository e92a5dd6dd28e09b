/**
 * What the farm relies on in every renderer, whoever wrote it (docs/RENDERERS.md): one suite, run for each of ours and for
 * the example of a module.
 */
import { afterAll, beforeAll, describe } from 'vitest';
import { testBadScenes } from './bad-scenes.js';
import { testDuties, testLeftovers } from './duties.js';
import { testPrograms } from './program-faults.js';
import { testPixels } from './same-pixels.js';
import type { MakeSubject } from './subject.js';
import { type Slot, TestBed } from './test-bed.js';

/** What the tests of a suite share: it is there once they run. */
export interface Suite {
  readonly bed: TestBed;
  /** One session for all of them, as in a slot: none may harm what comes after it. */
  readonly slot: Slot;
}

/** @param missing  why it cannot run on this machine; it is printed. */
export function rendererConformance(
  name: string,
  makeSubject: MakeSubject,
  {
    isProgram = false,
    missing,
  }: { readonly isProgram?: boolean; readonly missing?: string | undefined } = {},
): void {
  if (missing !== undefined) console.warn(`the conformance of ${name} is not tested: ${missing}`);
  describe.skipIf(missing !== undefined)(`the renderer ${name}`, () => {
    let suite: Suite;
    const get = () => suite;
    beforeAll(async () => {
      const bed = await TestBed.make(makeSubject);
      suite = { bed, slot: await bed.openSlot() };
    });
    afterAll(async () => {
      try {
        await suite?.slot[Symbol.asyncDispose]();
      } finally {
        await suite?.bed[Symbol.asyncDispose]();
      }
    });
    testPixels(get);
    testDuties(get);
    testBadScenes(get);
    if (isProgram) testPrograms(get);
    testLeftovers(get);
  });
}
