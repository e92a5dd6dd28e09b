/** `guian doctor`: what is missing on this machine, and the exact command that installs it. */
import { access, constants, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { availableParallelism, freemem, tmpdir, totalmem } from 'node:os';
import { basename, dirname } from 'node:path';
import { Command } from 'commander';
import { coordinatorConfig } from '#coordinator/config.js';
import { agentConfig } from '#node-agent/config.js';
import { libraryFolders } from '#node-agent/renderers/povray/library-folders.js';
import type { Installation } from '#node-agent/renderers/program/program.js';
import { probeSandbox } from '#node-agent/renderers/program/sandbox.js';
import { resolveConfig } from '#shared/config.js';
import { messageOf } from '#shared/errors.js';
import { findNatsServer, NATS_SERVER_VERSION_MIN } from '../farm/find-nats-server.js';
import { installedPrograms, PROGRAM_INSTALLS, PROGRAM_TITLES } from '../inspect/installed-programs.js';
import { humanBytes } from '../output/human.js';
import { printJson } from '../output/table.js';
import { EXIT } from '../process/exit-code.js';

interface Finding {
  readonly check: string;
  /** `missing` makes the exit code 1; `warning` and `note` do not. A note: not everybody needs it. */
  readonly state: 'ok' | 'note' | 'warning' | 'missing';
  readonly text: string;
}

const GIB = 1024 ** 3;
const FREE_DISK_WANTED = 2 * GIB;
const MEMORY_WANTED = 2 * GIB;
const SCENES_OF = { blender: '.blend', povray: '.pov' } as const;
const SIGNS = { ok: '✓', note: '–', warning: '!', missing: '✗' } as const;

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Says what is missing on this machine, and the exact command that installs it.')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const findings = await examine();
      const isReady = findings.every((finding) => finding.state !== 'missing');
      if (options.json) printJson({ ready: isReady, findings });
      else
        for (const { check, state, text } of findings)
          process.stdout.write(`${SIGNS[state]} ${check}: ${text}\n`);
      process.exitCode = isReady ? EXIT.done : EXIT.renderFailed;
    });
}

async function examine(): Promise<Finding[]> {
  const { storeDir, listen } = resolveConfig(coordinatorConfig, { env: process.env });
  const { cacheDir } = resolveConfig(agentConfig, { env: process.env });
  return [
    // The launcher has refused older versions already.
    { check: 'Node.js', state: 'ok', text: `${process.versions.node} (20.19 or later is needed)` },
    natsServer(),
    await packages(),
    ...(await renderers()),
    cores(),
    memory(),
    await folder('store', storeDir),
    await folder('cache', cacheDir),
    await folder('temporary files', tmpdir()),
    await port(listen),
  ];
}

function natsServer(): Finding {
  const check = 'nats-server';
  try {
    const { path, version } = findNatsServer();
    return {
      check,
      state: 'ok',
      text: `${version} at ${path} (${NATS_SERVER_VERSION_MIN} or later is needed)`,
    };
  } catch (error) {
    return { check, state: 'missing', text: messageOf(error) };
  }
}

/** Programs for scenes of studios, and what keeps these scenes in. */
async function renderers(): Promise<Finding[]> {
  const names = ['blender', 'povray'] as const;
  const [{ installations, broken }, sandbox] = await Promise.all([installedPrograms(names), probeSandbox()]);
  const findings = names.flatMap((name): Finding[] => {
    const check = PROGRAM_TITLES[name];
    const here = installations.filter((one) => one.name === name);
    const wrong = broken.filter((one) => one.name === name);
    const found = here.map((installation): Finding => {
      const text = `${installation.version} at ${installation.executable}`;
      if (name !== 'povray' || hasIncludeFiles(installation)) return { check, state: 'ok', text };
      const way = 'its include files (colors.inc and the like) are not: apt-get install povray-includes';
      return { check, state: 'note', text: `${text}; ${way}` };
    });
    const useless = wrong.map(({ reason }): Finding => ({ check, state: 'warning', text: reason }));
    if (found.length + useless.length > 0) return [...found, ...useless];
    const text = `not here; for ${SCENES_OF[name]} scenes, install it: ${PROGRAM_INSTALLS[name]}`;
    return [{ check, state: 'note', text }];
  });
  const isKeptIn = sandbox.sandbox !== 'none';
  const text = isKeptIn
    ? sandbox.description
    : `${sandbox.description}; until then scenes of Blender and POV-Ray may read what the agent may`;
  return [...findings, { check: 'sandbox', state: isKeptIn ? 'ok' : 'note', text }];
}

const hasIncludeFiles = (povray: Installation): boolean =>
  libraryFolders(povray).some((folder) => basename(folder) === 'include');

/** The two packages with native parts are those that can be wrong for this machine. */
async function packages(): Promise<Finding> {
  const check = 'npm packages';
  try {
    const { default: sharp } = await import('sharp');
    await import('@grpc/grpc-js');
    return { check, state: 'ok', text: `there, sharp with libvips ${sharp.versions.vips}` };
  } catch (error) {
    return { check, state: 'missing', text: `${messageOf(error).split('\n')[0]}; install them with: npm ci` };
  }
}

function cores(): Finding {
  const count = availableParallelism();
  return {
    check: 'cores',
    state: 'ok',
    text: `${count}: an agent renders ${count} tiles at a time unless told otherwise`,
  };
}

function memory(): Finding {
  const text = `${humanBytes(totalmem())}, ${humanBytes(freemem())} of it free`;
  if (totalmem() >= MEMORY_WANTED) return { check: 'memory', state: 'ok', text };
  return {
    check: 'memory',
    state: 'warning',
    text: `${text}; large scenes need ${humanBytes(MEMORY_WANTED)} or more`,
  };
}

async function folder(what: string, path: string): Promise<Finding> {
  const check = `folder for ${what}`;
  try {
    const existing = await nearestExisting(path);
    await access(existing, constants.W_OK);
    const { bavail, bsize } = await statfs(existing);
    const text = `${path}, ${humanBytes(bavail * bsize)} free`;
    if (bavail * bsize >= FREE_DISK_WANTED) return { check, state: 'ok', text };
    return { check, state: 'warning', text: `${text}; long jobs may need more than that` };
  } catch (error) {
    return {
      check,
      state: 'missing',
      text: `${path} cannot be written (${messageOf(error)}); make it with: mkdir -p ${path}`,
    };
  }
}

async function nearestExisting(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const exists = await access(folder).then(
      () => true,
      () => false,
    );
    if (exists || folder === dirname(folder)) return folder;
  }
}

async function port(listen: string): Promise<Finding> {
  const check = 'port';
  const colon = listen.lastIndexOf(':');
  const server = createServer();
  const failure = await new Promise<Error | undefined>((resolve) => {
    server.once('error', resolve);
    server.listen(Number(listen.slice(colon + 1)), listen.slice(0, colon).replace(/^\[|\]$/g, ''), () =>
      server.close(() => resolve(undefined)),
    );
  });
  if (failure === undefined) return { check, state: 'ok', text: `${listen} is free for a coordinator` };
  return {
    check,
    state: 'warning',
    text: `${listen} is taken (is a farm running?); choose another with --listen`,
  };
}
