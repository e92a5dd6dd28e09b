/**
 * The one way to define a process's configuration. A definition lists its fields once; from it come the frozen typed
 * object, the command-line options, the environment variables, the `--config` file's schema and the README's table.
 * Precedence: flag, environment, file, default. Whatever is unknown or out of range stops start-up (CONFIG_INVALID).
 */
import { z } from 'zod';
import { DURATION_PATTERN, formatDurationMs, parseDurationMs } from './domain/duration.js';
import { type NodeId, nodeIdSchema } from './domain/ids.js';
import { FarmError } from './errors.js';
import { DEFAULTS } from './limits.js';
import { LOG_LEVELS } from './log.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ConfigField<T> {
  /** Takes text (flag, environment) or JSON values (file), gives the checked value. */
  readonly schema: z.ZodType<T>;
  /** e.g. `--slots` */
  readonly flag: string;
  /** e.g. `GUIAN_SLOTS` */
  readonly env: string;
  /** Placeholder in `--help`, e.g. `n`, `host:port`, `dir`. */
  readonly placeholder: string;
  /** What a value must be, for messages and the table: `a whole number from 1 to 1024`. */
  readonly allowed: string;
  readonly unit: string;
  /** One line. */
  readonly doc: string;
  readonly defaultValue: (env: Environment) => unknown;
  /** How the default is written in `--help` and in the table. */
  readonly defaultText: string;
}

type FieldBasics = Pick<ConfigField<unknown>, 'flag' | 'env' | 'doc'> & {
  readonly default: string | number | ((env: Environment) => string | number);
  /** Needed where the default depends on the machine. */
  readonly defaultText?: string;
};

export type ConfigFields = Readonly<Record<string, ConfigField<unknown>>>;
export type ConfigOf<F extends ConfigFields> = {
  readonly [K in keyof F]: F[K] extends ConfigField<infer T> ? T : never;
};

export interface ConfigDefinition<F extends ConfigFields> {
  readonly process: string;
  readonly fields: F;
}

/** @example defineConfig('coordinator', { listen: address({ flag: '--listen', … }) }) */
export function defineConfig<F extends ConfigFields>(process: string, fields: F): ConfigDefinition<F> {
  return { process, fields };
}

/** The type of a definition's values. */
export type ConfigType<D> = D extends ConfigDefinition<infer F> ? ConfigOf<F> : never;

export interface ConfigSources {
  /** By field key; undefined where the flag was not given. */
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly env?: Environment;
  /** The `--config` file: its name (for messages) and its text. */
  readonly file?: { readonly name: string; readonly text: string };
}

/** @throws CONFIG_INVALID naming the key, the value, where it came from and what is allowed. */
export function resolveConfig<F extends ConfigFields>(
  definition: ConfigDefinition<F>,
  sources: ConfigSources,
): ConfigOf<F> {
  const env = sources.env ?? {};
  const file = parseFile(definition, sources.file);
  const values: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(definition.fields)) {
    const fromFlag = sources.flags?.[key];
    const fromEnv = env[field.env] === '' ? undefined : env[field.env];
    if (fromFlag !== undefined) values[key] = check(field, fromFlag, field.flag);
    else if (fromEnv !== undefined) values[key] = check(field, fromEnv, field.env);
    else if (file[key] !== undefined)
      values[key] = check(field, file[key], `"${key}" in ${sources.file?.name}`);
    else values[key] = check(field, field.defaultValue(env), `the default of ${field.flag}`);
  }
  return Object.freeze(values) as ConfigOf<F>;
}

/** One Markdown table row per field, with a header. */
export function configTable(definition: ConfigDefinition<ConfigFields>): string {
  const rows = Object.entries(definition.fields).map(
    ([key, field]) =>
      `| \`${field.flag}\` | \`${field.env}\` | \`${key}\` | ${field.doc} | ${field.allowed} | ${field.unit || '–'} | \`${field.defaultText}\` |`,
  );
  return [
    '| Flag | Environment | File key | What it is | Allowed | Unit | Default |',
    '|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

/** What a command line needs to offer a definition's fields as options. */
export interface ConfigOption {
  readonly key: string;
  /** e.g. `--slots <n>` */
  readonly flags: string;
  readonly description: string;
}

export function configOptions(definition: ConfigDefinition<ConfigFields>): readonly ConfigOption[] {
  return Object.entries(definition.fields).map(([key, field]) => ({
    key,
    flags: `${field.flag} <${field.placeholder}>`,
    description: `${field.doc} (${field.env}; default: ${field.defaultText})`,
  }));
}

export function text(
  basics: FieldBasics & { pattern: RegExp; allowed: string; placeholder: string },
): ConfigField<string> {
  return field(basics, z.string().regex(basics.pattern), basics);
}

export function folder(basics: FieldBasics): ConfigField<string> {
  // A control character in a path is never meant.
  return field(basics, z.string().regex(FILE_PATH), { allowed: 'a folder', placeholder: 'dir' });
}

export function integer(
  basics: FieldBasics & { min: number; max: number; unit: string },
): ConfigField<number> {
  const schema = fromText(/^-?\d{1,15}$/, Number).pipe(z.int().min(basics.min).max(basics.max));
  const allowed = `a whole number from ${basics.min} to ${basics.max}`;
  return field(basics, schema, { allowed, placeholder: 'n', unit: basics.unit });
}

/** Bytes: a whole number, or with a binary suffix as in `20G`. */
export function bytes(basics: FieldBasics & { min: number; max: number }): ConfigField<number> {
  const schema = fromText(/^\d{1,15}(\.\d{1,6})?\s*[KMGT]?i?B?$/i, parseBytes).pipe(
    z.int().min(basics.min).max(basics.max),
  );
  const allowed = `a size from ${formatBytes(basics.min)} to ${formatBytes(basics.max)}, such as 512M or 20G`;
  return field(basics, schema, { allowed, placeholder: 'size', unit: 'bytes' });
}

/** A time with its unit, as in `30s`; numbers in files are ms. @param basics `min` and `max` in ms. */
export function duration(basics: FieldBasics & { min: number; max: number }): ConfigField<number> {
  const schema = fromText(DURATION_PATTERN, parseDurationMs).pipe(z.int().min(basics.min).max(basics.max));
  const allowed = `a time from ${formatDurationMs(basics.min)} to ${formatDurationMs(basics.max)}, such as 500ms, 30s, 10m or 2h`;
  return field(basics, schema, { allowed, placeholder: 'time', unit: 'ms' });
}

export function choice<const V extends readonly string[]>(
  basics: FieldBasics & { values: V },
): ConfigField<V[number]> {
  const allowed = `one of ${basics.values.join(', ')}`;
  return field(basics, z.enum(basics.values), { allowed, placeholder: basics.values.join('|') });
}

/** Files, joined by commas (in a file of settings: a list); none unless given. */
export function files(basics: Omit<FieldBasics, 'default'>): ConfigField<readonly string[]> {
  const allowed = 'files, joined by commas';
  return field({ ...basics, default: '', defaultText: 'none' }, pathList(FILE_PATH), {
    allowed,
    placeholder: 'files',
  });
}

/** Several values, joined by commas (in a file of settings: a list); none unless given. @param basics `item` reads one. */
export function list<T>(
  basics: Omit<FieldBasics, 'default'> & {
    item: z.ZodType<T>;
    max: number;
    allowed: string;
    placeholder: string;
  },
): ConfigField<readonly T[]> {
  const split = (value: string): string[] =>
    value.trim() === '' ? [] : value.split(',').map((one) => one.trim());
  const schema = z
    .union([z.string().transform(split), z.array(z.string())])
    .pipe(z.array(z.string()))
    .pipe(z.array(basics.item as z.ZodType<T, string>).max(basics.max));
  return field({ ...basics, default: '', defaultText: 'none' }, schema, basics);
}

/** Where a program is: several installations side by side, or the one that the search path has (`auto`). */
export type ProgramPaths = 'auto' | readonly string[];

export function programPaths(basics: Omit<FieldBasics, 'default'>): ConfigField<ProgramPaths> {
  const schema = z.union([
    z.literal('auto'),
    z.literal('none').transform((): readonly string[] => []),
    pathList(ABSOLUTE_PATH),
  ]);
  const allowed = 'auto (the one on PATH), none, or absolute paths joined by commas';
  return field({ ...basics, default: 'auto' }, schema, { allowed, placeholder: 'paths' });
}

/** `host:port`. The host must be written out: nobody listens on every interface by leaving something away. */
export function address(basics: FieldBasics): ConfigField<string> {
  const allowed = 'host:port, such as 127.0.0.1:7700 (port 0 to 65535)';
  return field(basics, addressSchema, { allowed, placeholder: 'host:port' });
}

/** As `address`, or nothing (`none`, the default). */
export function optionalAddress(basics: Omit<FieldBasics, 'default'>): ConfigField<string | undefined> {
  const schema = z.union([z.literal('none').transform(() => undefined), addressSchema]);
  const allowed = 'none, or host:port, such as 127.0.0.1:7701 (port 0 to 65535)';
  return field({ ...basics, default: 'none' }, schema, { allowed, placeholder: 'host:port' });
}

/** Fields that several processes share. */
export const logLevelField = choice({
  flag: '--log-level',
  env: 'GUIAN_LOG_LEVEL',
  doc: 'how much is logged to stderr, as JSON lines',
  values: LOG_LEVELS,
  default: 'info',
});

export const prefixField = text({
  flag: '--prefix',
  env: 'GUIAN_PREFIX',
  doc: 'first part of every name on the bus: farms with different prefixes share one NATS server',
  pattern: /^[A-Za-z0-9_-]{1,32}(\.[A-Za-z0-9_-]{1,32}){0,3}$/,
  allowed: 'letters, digits, _ and -, in up to four parts joined by dots',
  placeholder: 'name',
  default: DEFAULTS.subjectPrefix,
});

export const natsUrlField = text({
  flag: '--nats',
  env: 'GUIAN_NATS_URL',
  doc: 'the NATS server, with JetStream',
  pattern: /^(nats|tls|ws|wss):\/\/[^\s/]+\/?$/,
  allowed: 'a URL such as nats://127.0.0.1:4222',
  placeholder: 'url',
  default: DEFAULTS.natsUrl,
});

export function nodeIdField(basics: FieldBasics): ConfigField<NodeId> {
  return field(basics, nodeIdSchema as unknown as z.ZodType<NodeId>, {
    allowed: '1 to 128 characters of A-Z a-z 0-9 _ -',
    placeholder: 'id',
  });
}

/** True where only this machine can connect. */
export function isLoopback(hostAndPort: string): boolean {
  const host = hostAndPort.slice(0, hostAndPort.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what these refuse.
const FILE_PATH = /^[^\u0000-\u001f]{1,4096}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above.
const ABSOLUTE_PATH = /^(\/|[A-Za-z]:[\\/])[^\u0000-\u001f]{1,4095}$/;
const PATHS_MAX = 64;
const ADDRESS = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):\d{1,5}$/;
const addressSchema = z
  .string()
  .regex(ADDRESS)
  .refine((value) => Number(value.slice(value.lastIndexOf(':') + 1)) <= 65_535);
const BYTE_UNITS = ['', 'K', 'M', 'G', 'T'] as const;

function field<T>(
  basics: FieldBasics,
  schema: z.ZodType<T>,
  shape: { allowed: string; placeholder: string; unit?: string },
): ConfigField<T> {
  const fallback = basics.default;
  return {
    flag: basics.flag,
    env: basics.env,
    doc: basics.doc,
    schema,
    allowed: shape.allowed,
    placeholder: shape.placeholder,
    unit: shape.unit ?? '',
    defaultValue: typeof fallback === 'function' ? fallback : () => fallback,
    defaultText: basics.defaultText ?? String(fallback),
  };
}

/** Text that looks right becomes a number; JSON numbers pass. */
function fromText(pattern: RegExp, convert: (value: string) => number) {
  return z.union([z.number(), z.string().trim().regex(pattern).transform(convert)]);
}

/** Text, one path between two commas, or a JSON list. */
function pathList(path: RegExp): z.ZodType<readonly string[]> {
  const one = z.string().trim().regex(path);
  const split = (value: string): string[] => (value.trim() === '' ? [] : value.split(','));
  return z.union([z.string().transform(split), z.array(z.string())]).pipe(z.array(one).max(PATHS_MAX));
}

function check(field: ConfigField<unknown>, value: unknown, source: string): unknown {
  const parsed = field.schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const shown =
    typeof value === 'string'
      ? JSON.stringify(value.slice(0, 80))
      : String(JSON.stringify(value)).slice(0, 80);
  throw new FarmError('CONFIG_INVALID', `${source}: ${shown} is not allowed; it must be ${field.allowed}`, {
    flag: field.flag,
  });
}

function parseFile(
  definition: ConfigDefinition<ConfigFields>,
  file: ConfigSources['file'],
): Readonly<Record<string, unknown>> {
  if (!file) return {};
  let json: unknown;
  try {
    json = JSON.parse(file.text);
  } catch (cause) {
    throw new FarmError(
      'CONFIG_INVALID',
      `${file.name} is not JSON (${(cause as Error).message})`,
      {},
      { cause },
    );
  }
  const object = z.record(z.string(), z.unknown()).safeParse(json);
  if (!object.success) throw new FarmError('CONFIG_INVALID', `${file.name}: it must hold one JSON object`);
  const known = Object.keys(definition.fields);
  const unknown = Object.keys(object.data).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new FarmError(
      'CONFIG_INVALID',
      `${file.name}: "${unknown}" is not a key of the ${definition.process}'s configuration; known keys are ${known.join(', ')}`,
    );
  }
  return object.data;
}

/** @param value e.g. `24G`; a number that looks right. */
export function parseBytes(value: string): number {
  const match = /^([\d.]+)\s*([KMGT]?)/i.exec(value)!;
  const power = BYTE_UNITS.indexOf(match[2]!.toUpperCase() as (typeof BYTE_UNITS)[number]);
  return Math.floor(Number(match[1]) * 1024 ** power);
}

function formatBytes(value: number): string {
  const power = Math.min(BYTE_UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, value)) / 10)));
  return `${Number((value / 1024 ** power).toFixed(1))}${BYTE_UNITS[power]}`;
}
