/** Which studios' scenes may run the scripts and drivers that are inside them: on a farm, that is other people's code. */
import { type Studio, studioSchema } from '#shared/domain/ids.js';
import { FarmError } from '#shared/errors.js';

/** `none`, `all`, or studios. */
export type ScriptPolicy = 'none' | 'all' | ReadonlySet<Studio>;

/** As `--allow-scripts` has it. */
export function parseScriptPolicy(text: string): ScriptPolicy {
  if (text === 'none' || text === 'all') return text;
  return new Set(text.split(',').map((studio) => studioSchema.parse(studio)));
}

/** @throws SCENE_NEEDS_SCRIPTS when a studio asks for scripts that may not have them. */
export function assertMayRunScripts(policy: ScriptPolicy, studio: Studio, isAsked: boolean): void {
  if (!isAsked || policy === 'all' || (policy !== 'none' && policy.has(studio))) return;
  throw new FarmError(
    'SCENE_NEEDS_SCRIPTS',
    `scripts in scenes of studio "${studio}" may not run on this farm (allow_scripts); submit without it, or ask the farm's admin to start the coordinator with --allow-scripts ${studio}`,
    { studio },
  );
}
