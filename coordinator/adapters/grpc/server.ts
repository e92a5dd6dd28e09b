/** The gRPC server: the five services of guian.v1, standard health, and reflection. */
import * as grpc from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import { FarmError, messageOf } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import type { AdminServiceHandlers } from '#shared/wire/generated/guian/v1/AdminService.js';
import type { FrameServiceHandlers } from '#shared/wire/generated/guian/v1/FrameService.js';
import type { JobServiceHandlers } from '#shared/wire/generated/guian/v1/JobService.js';
import type { NodeServiceHandlers } from '#shared/wire/generated/guian/v1/NodeService.js';
import type { PackageServiceHandlers } from '#shared/wire/generated/guian/v1/PackageService.js';
import { loadProtos } from '#shared/wire/protos.js';

export interface Services {
  readonly jobs: JobServiceHandlers;
  readonly packages: PackageServiceHandlers;
  readonly frames: FrameServiceHandlers;
  readonly nodes: NodeServiceHandlers;
  readonly admin: AdminServiceHandlers;
}

export interface GrpcServer {
  /** `host:port` that clients dial. */
  readonly address: string;
  /** From now on, health says that the farm is serving. */
  setServing(): void;
  /** Ends all calls; those that are streams end with CANCELLED. */
  close(): Promise<void>;
}

/** A submit carries a manifest of up to packageFilesMax paths; everything else is far smaller. */
const MESSAGE_BYTES_MAX = LIMITS.packageFilesMax * (LIMITS.packagePathCharsMax * 3 + 100);
const CLOSE_TIMEOUT_MS = 1_000;
/** Health is asked of the whole server (empty name) or of one service. */
const SERVICE_NAME = /^guian\.v1\.\w+Service$/;

/**
 * @param listen `host:port`; port 0 takes any free one.
 * @throws PORT_TAKEN naming the address and the way out.
 */
export async function startGrpcServer(listen: string, services: Services): Promise<GrpcServer> {
  // The library writes its own lines to stderr; what goes wrong is thrown or answered here.
  grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  const { v1, definition } = loadProtos();
  const server = new grpc.Server({
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.keepalive_time_ms': 30_000,
    // Two coordinators must not share a port in silence.
    'grpc.so_reuseport': 0,
  });
  server.addService(v1.JobService.service, services.jobs);
  server.addService(v1.PackageService.service, services.packages);
  server.addService(v1.FrameService.service, services.frames);
  server.addService(v1.NodeService.service, services.nodes);
  server.addService(v1.AdminService.service, services.admin);
  const healthNames = ['', ...Object.keys(definition).filter((name) => SERVICE_NAME.test(name))];
  const health = new HealthImplementation({});
  const setHealth = (status: 'SERVING' | 'NOT_SERVING') => {
    for (const name of healthNames) health.setStatus(name, status);
  };
  setHealth('NOT_SERVING');
  health.addToServer(server);
  new ReflectionService(definition).addToServer(server);
  const port = await bind(server, listen);
  const host = listen.slice(0, listen.lastIndexOf(':'));
  return {
    address: `${host}:${port}`,
    setServing: () => setHealth('SERVING'),
    close: () =>
      new Promise<void>((resolve) => {
        setHealth('NOT_SERVING');
        const force = setTimeout(() => server.forceShutdown(), CLOSE_TIMEOUT_MS);
        server.tryShutdown(() => {
          clearTimeout(force);
          resolve();
        });
      }),
  };
}

function bind(server: grpc.Server, listen: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(listen, grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (!error) resolve(port);
      else
        reject(
          new FarmError(
            'PORT_TAKEN',
            `cannot listen on ${listen} (${messageOf(error)}); stop what uses this port, or take another with --listen HOST:PORT`,
            { listen },
            { cause: error },
          ),
        );
    });
  });
}
