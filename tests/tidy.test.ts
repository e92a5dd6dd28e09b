/** The repository's own tidiness: what Biome and dependency-cruiser cannot see. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { coordinatorConfig } from '#coordinator/config.js';
import { agentConfig } from '#node-agent/config.js';
import { configTable } from '#shared/config.js';
import { ERROR_CODES } from '#shared/errors.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCE_LINES_MAX = 400;
const FOLDERS = ['shared', 'coordinator', 'node-agent', 'cli', 'tests', 'benchmarks', 'examples'];

function sourceFiles(): string[] {
  return FOLDERS.filter((folder) => existsSync(join(ROOT, folder))).flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.includes('generated'))
      .map((name) => join(folder, name)),
  );
}

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

describe('the repository is tidy', () => {
  it('no source file holds two ideas (more than 400 lines)', () => {
    const long = sourceFiles()
      .filter((file) => !file.endsWith('.test.ts'))
      .map((file) => ({ file, lines: read(file).split('\n').length }))
      .filter(({ lines }) => lines > SOURCE_LINES_MAX);
    expect(long).toEqual([]);
  });

  it('no file is named after nothing', () => {
    expect(sourceFiles().filter((file) => /(^|\/)(utils?|helpers?|misc|common)\b/.test(file))).toEqual([]);
  });

  it("README's configuration tables are those of the programs", () => {
    for (const definition of [coordinatorConfig, agentConfig])
      expect(read('README.md')).toContain(configTable(definition));
  });

  it('documents name files that exist', () => {
    const documents = [
      'README.md',
      'docs/ARCHITECTURE.md',
      'docs/RENDERERS.md',
      'docs/ADMIN.md',
      ...readdirSync(join(ROOT, 'docs/adr')).map((name) => `docs/adr/${name}`),
    ];
    const broken: string[] = [];
    for (const document of documents) {
      for (const [, target] of read(document).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
        if (!/^[a-z]+:/.test(target!) && !existsSync(resolve(ROOT, dirname(document), target!)))
          broken.push(`${document}: ${target}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it("the tile's path in docs/ARCHITECTURE.md is true: its files exist and hold the functions that it names", () => {
    const rows = [
      ...read('docs/ARCHITECTURE.md').matchAll(/^\| \d+ \| \[`([^`]+)`\]\([^)]+\) \| `([^`]+)` \|/gm),
    ];
    expect(rows.length).toBeGreaterThanOrEqual(8);
    expect(rows.length).toBeLessThan(10);
    for (const [, file, name] of rows) expect(read(file!), `${file} should hold ${name}`).toContain(name!);
  });

  it('every error code is thrown somewhere, and only codes of the table are', () => {
    const sources = sourceFiles().filter(
      (file) => !file.endsWith('.test.ts') && file !== join('shared', 'errors.ts'),
    );
    const text = sources.map(read).join('\n');
    const unused = Object.keys(ERROR_CODES).filter((code) => !text.includes(`'${code}'`));
    expect(unused).toEqual([]);
  });

  it('the generated wire types are those of the protos', () => {
    const folder = mkdtempSync(join(tmpdir(), 'guian-proto-'));
    try {
      execFileSync(process.execPath, [join(ROOT, 'scripts/generate-proto-types.mjs'), folder]);
      const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
        name.endsWith('.ts'),
      );
      expect(files.length).toBeGreaterThan(20);
      for (const file of files) {
        const committed = join(ROOT, 'shared/wire/generated', relative(folder, join(folder, file)));
        expect(readFileSync(committed, 'utf8'), file).toBe(readFileSync(join(folder, file), 'utf8'));
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
