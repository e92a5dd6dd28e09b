// Writes the TypeScript types of proto/guian/v1 to shared/wire/generated/ (committed; a test holds them current).
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const outDir = resolve(process.argv[2] ?? join(root, 'shared', 'wire', 'generated'));
const protos = readdirSync(join(root, 'proto', 'guian', 'v1'))
  .filter((name) => name.endsWith('.proto'))
  .sort();
rmSync(outDir, { recursive: true, force: true });
execFileSync(
  join(root, 'node_modules', '.bin', 'proto-loader-gen-types'),
  [
    '--longs=Number',
    '--enums=String',
    '--defaults',
    '--oneofs',
    '--grpcLib=@grpc/grpc-js',
    '--importFileExtension=.js',
    '--targetFileExtension=.ts',
    '--includeDirs=proto',
    `--outDir=${outDir}`,
    ...protos.map((name) => `guian/v1/${name}`),
  ],
  // The include folder is named relative to here: the generator writes the path into its files.
  { stdio: 'inherit', cwd: root },
);
