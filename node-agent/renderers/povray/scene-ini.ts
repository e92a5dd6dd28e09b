/**
 * The settings file that POV-Ray users keep beside a scene under the same name: `shot.ini` for `shot.pov`. Only how the
 * picture and its animation are meant is taken from it; what it says of files and commands is not.
 * Source: POV-Ray 3.7 reference, "INI options" and "Animation options".
 */

export interface SceneIni {
  readonly widthPx?: number;
  readonly heightPx?: number;
  readonly initialFrame?: number;
  readonly finalFrame?: number;
  readonly initialClock?: number;
  readonly finalClock?: number;
  readonly isCyclic?: boolean;
  readonly clock?: number;
  readonly isAntialiased?: boolean;
  readonly antialiasDepth?: number;
  readonly antialiasThreshold?: number;
  readonly samplingMethod?: number;
}

type Mutable = { -readonly [key in keyof SceneIni]: SceneIni[key] };

type NumberKey = Exclude<keyof SceneIni, 'isCyclic' | 'isAntialiased'>;
type SwitchKey = 'isCyclic' | 'isAntialiased';

/** By lower-case name. */
const NUMBERS: Readonly<Record<string, NumberKey>> = {
  width: 'widthPx',
  height: 'heightPx',
  initial_frame: 'initialFrame',
  final_frame: 'finalFrame',
  initial_clock: 'initialClock',
  final_clock: 'finalClock',
  clock: 'clock',
  antialias_depth: 'antialiasDepth',
  antialias_threshold: 'antialiasThreshold',
  sampling_method: 'samplingMethod',
};
const ON_OR_OFF: Readonly<Record<string, SwitchKey>> = {
  cyclic_animation: 'isCyclic',
  antialias: 'isAntialiased',
};

/** Command-line switches, the longer ones first. */
const SWITCHES: readonly (readonly [RegExp, NumberKey])[] = [
  [/^kfi([\d.]+)$/, 'initialFrame'],
  [/^kff([\d.]+)$/, 'finalFrame'],
  [/^ki(-?[\d.]+)$/, 'initialClock'],
  [/^kf(-?[\d.]+)$/, 'finalClock'],
  [/^k(-?[\d.]+)$/, 'clock'],
  [/^w(\d+)$/, 'widthPx'],
  [/^h(\d+)$/, 'heightPx'],
  [/^am(\d)$/, 'samplingMethod'],
  [/^r(\d)$/, 'antialiasDepth'],
];

/** A longer line is no note of how to render. */
const COMMENT_CHARS_MAX = 1000;

/** Unknown options are passed over, sections other than the first too: POV-Ray reads those only when they are named. */
export function readSceneIni(text: string): SceneIni {
  const ini: Mutable = {};
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.split(';', 1)[0]!.trim();
    if (line.startsWith('[')) break;
    const equals = line.indexOf('=');
    if (equals > 0 && /^[A-Za-z]/.test(line))
      setOption(ini, line.slice(0, equals).trim().toLowerCase(), unquoted(line.slice(equals + 1).trim()));
    else if (/^[+-]/.test(line)) readSwitches(ini, line);
  }
  return ini;
}

function unquoted(value: string): string {
  const from = value.startsWith('"') ? 1 : 0;
  return value.slice(from, value.endsWith('"') ? -1 : undefined).trim();
}

/** POV-Ray's own scenes say in a comment how they are meant: `// -w320 -h240 +a0.3`. */
export function readComments(text: string): SceneIni {
  const ini: Mutable = {};
  for (const line of text.split(/\r?\n/, 60)) {
    const start = line.slice(0, COMMENT_CHARS_MAX);
    const switches = /^\s*\/\/\s*(?:povray\s+)?((?:[+-][A-Za-z]\S*\s*)+)/.exec(start)?.[1];
    if (switches !== undefined) readSwitches(ini, switches);
  }
  return ini;
}

function readSwitches(ini: Mutable, line: string): void {
  for (const word of line.trim().split(/\s+/)) {
    const isOff = word.startsWith('-');
    const text = word.slice(1).toLowerCase();
    const known = SWITCHES.find(([pattern]) => pattern.test(text));
    if (known) set(ini, known[1], known[0].exec(text)![1]!);
    else if (text === 'kc') ini.isCyclic = !isOff;
    else if (/^a[\d.]*$/.test(text)) {
      ini.isAntialiased = !isOff;
      if (text.length > 1) set(ini, 'antialiasThreshold', text.slice(1));
    }
  }
}

function setOption(ini: Mutable, name: string, value: string): void {
  if (Object.hasOwn(NUMBERS, name)) set(ini, NUMBERS[name]!, value);
  if (Object.hasOwn(ON_OR_OFF, name)) ini[ON_OR_OFF[name]!] = isOn(value);
}

function set(ini: Mutable, key: NumberKey, text: string): void {
  const value = Number(text);
  if (text !== '' && Number.isFinite(value)) ini[key] = value;
}

const isOn = (value: string): boolean => /^(on|true|yes|1)$/i.test(value);

/** First and last frame, when it is an animation. */
export function animationOf(ini: SceneIni): { readonly first: number; readonly last: number } | undefined {
  const first = ini.initialFrame ?? 1;
  const last = ini.finalFrame ?? first;
  return Number.isInteger(first) && Number.isInteger(last) && 0 <= first && first < last
    ? { first, last }
    : undefined;
}
