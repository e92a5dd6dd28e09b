/** Loads proto/guian/v1 once per process; the types are generated from the same files (scripts/generate-proto-types.mjs). */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import * as protoLoader from '@grpc/proto-loader';
import type { ProtoGrpcType as AdminTypes } from './generated/admin_service.js';
import type { ProtoGrpcType as FrameTypes } from './generated/frame_service.js';
import type { ProtoGrpcType as JobTypes } from './generated/job_service.js';
import type { ProtoGrpcType as NodeTypes } from './generated/node_service.js';
import type { ProtoGrpcType as PackageTypes } from './generated/package_service.js';

type V1 = JobTypes['guian']['v1'] &
  FrameTypes['guian']['v1'] &
  NodeTypes['guian']['v1'] &
  AdminTypes['guian']['v1'] &
  PackageTypes['guian']['v1'];

/** From dist/shared/wire/ up to the package root. */
export const PROTO_FOLDER = fileURLToPath(new URL('../../../proto', import.meta.url));

const LOADER_OPTIONS: protoLoader.Options = {
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
  includeDirs: [PROTO_FOLDER],
};

let loaded: { definition: protoLoader.PackageDefinition; v1: V1 } | undefined;

/** The package definition (for reflection) and the `guian.v1` services. */
export function loadProtos(): { definition: protoLoader.PackageDefinition; v1: V1 } {
  if (!loaded) {
    const files = readdirSync(join(PROTO_FOLDER, 'guian', 'v1')).map((name) => `guian/v1/${name}`);
    const definition = protoLoader.loadSync(files, LOADER_OPTIONS);
    const root = grpc.loadPackageDefinition(definition) as unknown as JobTypes;
    loaded = { definition, v1: root.guian.v1 as V1 };
  }
  return loaded;
}
