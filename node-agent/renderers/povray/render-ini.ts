/**
 * The options of one run of POV-Ray, as the settings file that it is given: nothing of the machine's own settings and of
 * the scene's settings file is used but what stands here, so that nodes agree.
 * Source: POV-Ray 3.7 reference, "INI options".
 */
import type { Region } from '#shared/domain/region.js';
import { FarmError } from '#shared/errors.js';
import { animationOf, type SceneIni } from './scene-ini.js';

export interface RunOptions {
  /** Names in the scratch folder, ASCII: POV-Ray takes no other. */
  readonly input: string;
  readonly libraries: readonly string[];
  readonly widthPx: number;
  readonly heightPx: number;
  readonly area: Region;
  readonly samples: number;
  readonly threads: number;
  readonly frame: number;
  readonly fps: number;
  readonly sceneIni: SceneIni;
  /** Scenes for versions before 3.7 lose their background with it. */
  readonly hasAlpha: boolean;
  /** 9 is all; low ones leave out shadows and reflections, for runs that are after the parser. */
  readonly quality: number;
}

export const OUTPUT_NAME = 'tile.exr';
/** POV-Ray's own is 0.3, which leaves visible steps; 0.1 is what its scenes of exhibition quality use. */
const THRESHOLD_DEFAULT = 0.1;
/** 2 to the power of 9 samples across a pixel is all it takes. */
const DEPTH_MAX = 9;

export function renderIni(options: RunOptions): string {
  const { area, widthPx, heightPx } = options;
  return [
    `Input_File_Name="${options.input}"`,
    ...options.libraries.map((folder) => `Library_Path="${folder}"`),
    `Output_File_Name="${OUTPUT_NAME}"`,
    // OpenEXR of half floats: its other formats hold 8 bits of mantissa, or no linear values.
    'Output_File_Type=E',
    `Output_Alpha=${options.hasAlpha ? 'On' : 'Off'}`,
    // Of scenes without assumed_gamma: their values are taken as sRGB and written as linear ones, as all others.
    'Display_Gamma=sRGB',
    `Width=${widthPx}`,
    `Height=${heightPx}`,
    // 1-based and inclusive; an end of 1 would mean 100 %, so areas are never that narrow (`widened`).
    `Start_Column=${area.x0 + 1}`,
    `End_Column=${area.x1}`,
    `Start_Row=${area.y0 + 1}`,
    `End_Row=${area.y1}`,
    ...antialiasing(options),
    ...clock(options),
    `Quality=${options.quality}`,
    `Work_Threads=${options.threads}`,
    'High_Reproducibility=On',
    'Continue_Trace=Off',
    'Display=Off',
    'Verbose=Off',
    'Debug_Console=Off',
    'Render_Console=Off',
    'Statistic_Console=Off',
    '',
  ].join('\n');
}

/** An end at column or row 1 is taken for the whole width or height (POV-Ray reads 1 as a ratio): one pixel more is asked. */
export function widened(area: Region, widthPx: number, heightPx: number): Region {
  return {
    ...area,
    x1: Math.max(area.x1, Math.min(2, widthPx)),
    y1: Math.max(area.y1, Math.min(2, heightPx)),
  };
}

/**
 * Samples of a pixel as POV-Ray's depth: method 2 halves a pixel `depth` times where neighbouring corners differ, up to
 * (2^depth + 1)² samples; 1 sample is no anti-aliasing. Each pixel depends on itself alone with method 2; method 1 looks at
 * neighbours and differs at the edges of tiles (measured). Jitter is off, since it makes animations shimmer.
 */
function antialiasing({ samples, sceneIni }: RunOptions): string[] {
  if (samples === 1) return ['Antialias=Off'];
  const depth = Math.min(DEPTH_MAX, Math.max(1, Math.ceil(Math.log2(samples) / 2)));
  const threshold = Math.min(3, Math.max(0, sceneIni.antialiasThreshold ?? THRESHOLD_DEFAULT));
  return [
    'Antialias=On',
    'Sampling_Method=2',
    `Antialias_Depth=${depth}`,
    `Antialias_Threshold=${threshold}`,
    'Jitter=Off',
  ];
}

/**
 * `clock` runs as the settings file beside the scene says (Initial_Clock at Initial_Frame to Final_Clock at Final_Frame, 0
 * to 1 unless given); without one it is the time in seconds, frame ÷ fps. `frame_number` is the frame in both cases.
 */
function clock({ frame, fps, sceneIni }: RunOptions): string[] {
  const animation = animationOf(sceneIni);
  if (animation) {
    const { first, last } = animation;
    if (frame < first || frame > last)
      throw new FarmError(
        'SCENE_INVALID',
        `frame ${frame} is not in the animation's ${first} to ${last}: ask for those, or raise Final_Frame in the .ini file beside the scene`,
      );
    return frames(
      frame,
      first,
      last,
      sceneIni.initialClock ?? 0,
      sceneIni.finalClock ?? 1,
      sceneIni.isCyclic,
    );
  }
  if (sceneIni.clock !== undefined) return [`Clock=${sceneIni.clock}`];
  if (frame < 0) return [`Clock=${frame / fps}`];
  // Its clock is not a number when the first frame is the last.
  const last = Math.max(1, frame);
  return frames(frame, 0, last, 0, last / fps, false);
}

function frames(frame: number, first: number, last: number, from: number, to: number, isCyclic = false) {
  return [
    `Initial_Frame=${first}`,
    `Final_Frame=${last}`,
    `Subset_Start_Frame=${frame}`,
    `Subset_End_Frame=${frame}`,
    `Initial_Clock=${from}`,
    `Final_Clock=${to}`,
    `Cyclic_Animation=${isCyclic ? 'On' : 'Off'}`,
  ];
}
