/** The `guian` program: finds the command, loads its module alone (so that `--help` is instant), and ends with its exit code. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { exitCodeOf, oneLine, reportError } from './process/exit-code.js';

interface CommandEntry {
  readonly group: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

const RENDER = 'Render:';
const JOBS = 'Work with a farm:';
const FARM = 'Run a farm:';
const SHARE = 'Share a farm:';
const TOOLS = 'Tools:';

/** In the order of `--help`. */
const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  render: {
    group: RENDER,
    summary: 'render a scene into a folder of frames, on this machine or on a farm',
    load: async () => (await import('./commands/render.js')).renderCommand(),
  },
  submit: {
    group: JOBS,
    summary: 'hand a scene to a farm and print the job id',
    load: async () => (await import('./commands/submit.js')).submitCommand(),
  },
  jobs: {
    group: JOBS,
    summary: 'list jobs, newest first',
    load: async () => (await import('./commands/jobs.js')).jobsCommand(),
  },
  job: {
    group: JOBS,
    summary: 'show, watch, cancel or retry one job; say why it waits; change its priority, pool or limits',
    load: async () => (await import('./commands/job.js')).jobCommand(),
  },
  frames: {
    group: JOBS,
    summary: "list a job's frames, or download them",
    load: async () => (await import('./commands/frames.js')).framesCommand(),
  },
  nodes: {
    group: JOBS,
    summary: 'list the machines that render',
    load: async () => (await import('./commands/nodes.js')).nodesCommand(),
  },
  node: {
    group: JOBS,
    summary: 'drain, resume, tag or forgive one of them, or say what it works on and why',
    load: async () => (await import('./commands/node.js')).nodeCommand(),
  },
  up: {
    group: FARM,
    summary: 'keep a farm running on this machine',
    load: async () => (await import('./commands/up.js')).upCommand(),
  },
  coordinator: {
    group: FARM,
    summary: 'run the coordinator alone',
    load: async () => (await import('./commands/coordinator.js')).coordinatorCommand(),
  },
  agent: {
    group: FARM,
    summary: "run this machine's agent alone",
    load: async () => (await import('./commands/agent.js')).agentCommand(),
  },
  studio: {
    group: SHARE,
    summary: 'shares and limits of the tenants',
    load: async () => (await import('./commands/studio.js')).studioCommand(),
  },
  pool: {
    group: SHARE,
    summary: 'named groups of nodes, and how many slots each should have',
    load: async () => (await import('./commands/pool.js')).poolCommand(),
  },
  licence: {
    group: SHARE,
    summary: 'how many slots or nodes may use a program at once',
    load: async () => (await import('./commands/licence.js')).licenceCommand(),
  },
  scale: {
    group: SHARE,
    summary: 'how many slots each pool wants; run a command of yours to get there',
    load: async () => (await import('./commands/scale.js')).scaleCommand(),
  },
  journal: {
    group: SHARE,
    summary: 'who changed what, and when',
    load: async () => (await import('./commands/journal.js')).journalCommand(),
  },
  compare: {
    group: TOOLS,
    summary: 'compare two pictures, EXR or PNG',
    load: async () => (await import('./commands/compare.js')).compareCommand(),
  },
  inspect: {
    group: TOOLS,
    summary: 'say what is in a scene and which files it needs',
    load: async () => (await import('./commands/inspect.js')).inspectCommand(),
  },
  doctor: {
    group: TOOLS,
    summary: 'say what is missing on this machine and how to install it',
    load: async () => (await import('./commands/doctor.js')).doctorCommand(),
  },
};

const EXAMPLES = `
Examples:
  guian render scene.glb                               all frames of the scene, into renders/scene/
  guian render scene.glb --frames 0-47x2 --size 1280x720 --samples 256
  guian render scene.glb --env studio.hdr --exposure 0.5 --format exr,png
  guian render shot.blend --frames 1-24                with the Blender of this machine
  guian inspect shot.blend                             what is in it, and which files it needs
  guian up                                             a farm on this machine; then, in another terminal:
  guian submit scene.glb --wait --coordinator 127.0.0.1:7700
  guian job why ID                                     what it waits for, and the number that would change it
  guian compare expected.exr actual.exr --max-error 0.5/255

"guian COMMAND --help" tells more. Exit codes: 0 done, 1 the render failed, 2 wrong use or bad input, 130 interrupted.
`;

async function main(args: readonly string[]): Promise<void> {
  const program = new Command('guian')
    .description(
      'Guian, a distributed render farm: frames split into tiles, rendered anywhere, stitched bit for bit.',
    )
    .version(packageVersion(), '-V, --version')
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError(false)
    // Else `guian node tag NODE -VFX` would ask for our version.
    .enablePositionalOptions();
  const wanted = args.find((arg) => !arg.startsWith('-')) ?? '';
  // `guian help render` is `guian render --help`.
  const named = wanted === 'help' ? (args[args.indexOf('help') + 1] ?? '') : wanted;
  const name = named === 'license' ? 'licence' : named;
  for (const [key, entry] of Object.entries(COMMANDS)) {
    const command = key === name ? await entry.load() : new Command(key);
    program.addCommand(command.summary(entry.summary).helpGroup(entry.group));
    if (command.description() === '') command.description(entry.summary);
  }
  applyToAll(program, (command) => {
    command.exitOverride();
    command.configureOutput({
      outputError: (text, write) =>
        write(
          `${oneLine(
            text
              .trim()
              .replace(/^error: /, 'guian: ')
              .replaceAll('\n', ' '),
          )}\n`,
        ),
    });
  });
  if (args.length === 0) program.outputHelp();
  else await program.parseAsync(args, { from: 'user' });
}

function applyToAll(command: Command, apply: (command: Command) => void): void {
  apply(command);
  for (const sub of command.commands) applyToAll(sub, apply);
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

// A reader that goes away (`guian jobs | head -1`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed its line already; help and version are no errors.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    reportError(error);
    process.exitCode = exitCodeOf(error);
  }
}
