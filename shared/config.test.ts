import { expect, test } from 'vitest';
import {
  address,
  bytes,
  choice,
  configOptions,
  configTable,
  defineConfig,
  files,
  folder,
  integer,
  isLoopback,
  optionalAddress,
  programPaths,
  resolveConfig,
  text,
} from './config.js';

const definition = defineConfig('oven', {
  listen: address({ flag: '--listen', env: 'GUIAN_LISTEN', doc: 'where', default: '127.0.0.1:7700' }),
  trays: integer({
    flag: '--trays',
    env: 'GUIAN_TRAYS',
    doc: 'how many',
    min: 1,
    max: 9,
    unit: 'trays',
    default: 2,
  }),
  room: bytes({
    flag: '--room',
    env: 'GUIAN_ROOM',
    doc: 'how much',
    min: 1024,
    max: 1024 ** 4,
    default: '1G',
  }),
  heat: choice({
    flag: '--heat',
    env: 'GUIAN_HEAT',
    doc: 'from where',
    values: ['top', 'bottom'],
    default: 'top',
  }),
  name: text({
    flag: '--name',
    env: 'GUIAN_NAME',
    doc: 'who',
    pattern: /^[a-z]+$/,
    allowed: 'lower-case letters',
    placeholder: 'name',
    default: (env) => env['USER'] ?? 'nobody',
    defaultText: 'user',
  }),
  shelf: folder({ flag: '--shelf', env: 'GUIAN_SHELF', doc: 'what on', default: '/tmp/shelf' }),
});
const file = (content: unknown) => ({
  name: 'oven.json',
  text: typeof content === 'string' ? content : JSON.stringify(content),
});

test('a flag wins over the environment, the environment over the file, the file over the default', () => {
  const sources = {
    flags: { trays: '4' },
    env: { GUIAN_TRAYS: '5', GUIAN_HEAT: 'bottom' },
    file: file({ trays: 6, heat: 'top', room: '2K' }),
  };
  expect(resolveConfig(definition, sources)).toEqual({
    listen: '127.0.0.1:7700',
    trays: 4,
    room: 2048,
    heat: 'bottom',
    name: 'nobody',
    shelf: '/tmp/shelf',
  });
});

test('the object is frozen, and an empty variable counts as not set', () => {
  const config = resolveConfig(definition, { env: { GUIAN_TRAYS: '', USER: 'chen' } });
  expect(Object.isFrozen(config)).toBe(true);
  expect(config).toMatchObject({ trays: 2, name: 'chen' });
});

test.for([
  [{ flags: { trays: '0' } }, '--trays: "0" is not allowed; it must be a whole number from 1 to 9'],
  [{ flags: { trays: '2.5' } }, '--trays: "2.5" is not allowed; it must be a whole number from 1 to 9'],
  [
    { env: { GUIAN_TRAYS: 'two' } },
    'GUIAN_TRAYS: "two" is not allowed; it must be a whole number from 1 to 9',
  ],
  [
    { file: file({ trays: 99 }) },
    '"trays" in oven.json: 99 is not allowed; it must be a whole number from 1 to 9',
  ],
  [
    { flags: { room: '1' } },
    '--room: "1" is not allowed; it must be a size from 1K to 1T, such as 512M or 20G',
  ],
  [{ flags: { heat: 'left' } }, '--heat: "left" is not allowed; it must be one of top, bottom'],
  [
    { flags: { listen: ':7700' } },
    '--listen: ":7700" is not allowed; it must be host:port, such as 127.0.0.1:7700 (port 0 to 65535)',
  ],
  [
    { flags: { listen: 'host:70000' } },
    '--listen: "host:70000" is not allowed; it must be host:port, such as 127.0.0.1:7700 (port 0 to 65535)',
  ],
  [{ flags: { shelf: '' } }, '--shelf: "" is not allowed; it must be a folder'],
  [{ env: { USER: 'X1' } }, 'the default of --name: "X1" is not allowed; it must be lower-case letters'],
  [
    { file: file({ tray: 1 }) },
    'oven.json: "tray" is not a key of the oven\'s configuration; known keys are listen, trays, room, heat, name, shelf',
  ],
  [{ file: file([1]) }, 'oven.json: it must hold one JSON object'],
] as const)('%j is refused', ([sources, message]) => {
  expect(() => resolveConfig(definition, sources)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message }),
  );
});

test('a file that is not JSON is refused by its name', () => {
  expect(() => resolveConfig(definition, { file: file('{') })).toThrow(/^oven\.json is not JSON \(/);
});

test('sizes are whole numbers or have a binary suffix', () => {
  for (const [given, expected] of [
    ['4096', 4096],
    ['1.5M', 1_572_864],
    ['2GiB', 2 ** 31],
    [8192, 8192],
  ] as const) {
    expect(resolveConfig(definition, { flags: { room: given } }).room).toBe(expected);
  }
});

test('paths are lists, from text as from a file', () => {
  const tools = defineConfig('oven', {
    knife: programPaths({ flag: '--knife', env: 'GUIAN_KNIFE', doc: 'what cuts' }),
    books: files({ flag: '--book', env: 'GUIAN_BOOKS', doc: 'recipes' }),
  });
  expect(resolveConfig(tools, {})).toEqual({ knife: 'auto', books: [] });
  expect(resolveConfig(tools, { flags: { knife: 'none', books: 'a.md, /b c.md' } })).toEqual({
    ...{ knife: [], books: ['a.md', '/b c.md'] },
  });
  const listed = { knife: ['/opt/knife', 'C:\\knife'], books: ['a,b.md'] };
  expect(resolveConfig(tools, { file: file(listed) })).toEqual(listed);
  expect(resolveConfig(tools, { env: { GUIAN_KNIFE: '/a/knife,/b/knife' } }).knife).toEqual([
    '/a/knife',
    '/b/knife',
  ]);
  for (const knife of ['knife', '/a,none', '/a,,/b', '/a\nb'])
    expect(() => resolveConfig(tools, { flags: { knife } })).toThrow(
      /^--knife: .* is not allowed; it must be auto \(the one on PATH\), none, or absolute paths joined by commas$/,
    );
});

test('the table and the options show each field with its default', () => {
  const table = configTable(definition);
  expect(table.split('\n')).toHaveLength(2 + 6);
  expect(table).toContain(
    '| `--trays` | `GUIAN_TRAYS` | `trays` | how many | a whole number from 1 to 9 | trays | `2` |',
  );
  expect(configOptions(definition)[4]).toEqual({
    key: 'name',
    flags: '--name <name>',
    description: 'who (GUIAN_NAME; default: user)',
  });
});

test('only this machine reaches loopback addresses', () => {
  for (const local of ['127.0.0.1:1', 'localhost:1', '[::1]:1', '127.9.9.9:1'])
    expect(isLoopback(local)).toBe(true);
  for (const open of ['0.0.0.0:1', '[::]:1', 'farm.local:1', '10.0.0.1:1', '127.evil.org:1'])
    expect(isLoopback(open)).toBe(false);
});

test('an address that may be left out is none unless given', () => {
  const page = { flag: '--http', env: 'GUIAN_HTTP', doc: 'a page' };
  const definition = defineConfig('kiosk', { http: optionalAddress(page) });
  expect(resolveConfig(definition, {}).http).toBeUndefined();
  expect(resolveConfig(definition, { flags: { http: '[::1]:7701' } }).http).toBe('[::1]:7701');
  const env = { GUIAN_HTTP: '127.0.0.1:7701' };
  expect(resolveConfig(definition, { env, flags: { http: 'none' } }).http).toBeUndefined();
  for (const http of [':7701', '7701', '127.0.0.1:70000', 'http://127.0.0.1:7701', 'None', ''])
    expect(() => resolveConfig(definition, { flags: { http } })).toThrow(/^--http: .* none, or host:port/);
});
