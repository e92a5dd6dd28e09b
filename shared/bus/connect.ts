/** The one way onto the bus: reconnects for ever, and its calls give up soon so that callers retry with the same id. */
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { FarmError, messageOf } from '../errors.js';
import { TIMES } from '../limits.js';
import { StreamPublisher } from './stream-publisher.js';
import { type BusNames, busNames } from './subjects.js';

export interface Bus extends AsyncDisposable {
  readonly names: BusNames;
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly kvm: Kvm;
  /** The way to publish to a stream. */
  readonly publisher: StreamPublisher;
  /**
   * Resolves when the connection has been closed and it was not us: for a reason that reconnecting does not mend, such as
   * credentials that are no longer valid. A server that is away, however long, is no such reason.
   */
  readonly lost: Promise<FarmError>;
}

/**
 * @param clientName shown by the server's monitoring, e.g. `guian-agent node-1`.
 * @throws BUS_UNAVAILABLE when no server with JetStream answers at `url`.
 */
export async function connectBus(url: string, prefix: string, clientName: string): Promise<Bus> {
  const connection = await connect({
    servers: url,
    name: clientName,
    timeout: 5_000,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 100,
    pingInterval: 5_000,
    maxPingOut: 3,
  }).catch((cause: unknown) => {
    throw new FarmError(
      'BUS_UNAVAILABLE',
      `no NATS server answers at ${url} (${messageOf(cause)}); start one with "nats-server -js", or name another with --nats`,
      { url },
      { cause },
    );
  });
  try {
    const options = { timeout: TIMES.busCallTimeoutMs };
    const jsm = await jetstreamManager(connection, options);
    const js = jetstream(connection, options);
    let isClosedByUs = false;
    const lost = new Promise<FarmError>((resolve) => {
      void connection.closed().then((reason) => {
        if (!isClosedByUs) resolve(lostConnection(url, reason));
      });
    });
    return {
      names: busNames(prefix),
      connection,
      js,
      jsm,
      kvm: new Kvm(js),
      publisher: new StreamPublisher(connection, TIMES.busCallTimeoutMs),
      lost,
      async [Symbol.asyncDispose]() {
        isClosedByUs = true;
        if (!connection.isClosed()) await connection.close();
      },
    };
  } catch (cause) {
    await connection.close();
    throw new FarmError(
      'BUS_UNAVAILABLE',
      `the NATS server at ${url} has no JetStream (${messageOf(cause)}); start it with "nats-server -js"`,
      { url },
      { cause },
    );
  }
}

function lostConnection(url: string, reason: unknown): FarmError {
  const why = reason ? messageOf(reason) : 'no reason given';
  return new FarmError(
    'BUS_UNAVAILABLE',
    `the NATS server at ${url} has closed the connection for good (${why}); see to that, then start this again`,
    { url },
    { cause: reason },
  );
}
