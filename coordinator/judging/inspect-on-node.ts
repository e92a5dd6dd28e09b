/**
 * Has a scene read by a node that has its renderer, over core NATS: an answer that does not come, or is none, or comes
 * from a node that cannot do it after all, costs a try, and another node is asked.
 */
import {
  decodeMessage,
  encodeMessage,
  type InspectAnswer,
  type InspectRequest,
  inspectAnswerSchema,
} from '#shared/bus/messages.js';
import type { NodeId } from '#shared/domain/ids.js';
import type { SceneInspection } from '#shared/domain/scene-inspection.js';
import { ERROR_CODES, type ErrorCode, FarmError, messageOf } from '#shared/errors.js';
import type { Farm } from '../farm.js';
import { newestVersion, type RendererNode, whatNodesHave } from '../scheduling/renderer-versions.js';

/** A node that may be asked. */
export interface InspectingNode extends RendererNode {
  readonly nodeId: NodeId;
  readonly slotsBusy: number;
}

/** Large scenes take long to load, and their package has to come first. */
const TIME_LIMIT_MS = 180_000;
/** A scene that brings nodes down must not bring them all down. */
const NODES_TRIED_MAX = 3;
/** Each waits for a node without using anything but its call; beyond it clients are told to come again. */
const UNDER_WAY_MAX = 64;

export class SceneInspector {
  private readonly farm: Pick<Farm, 'bus' | 'log'>;
  private readonly readyNodes: () => readonly InspectingNode[];
  private readonly timeLimitMs: number;
  private underWay = 0;
  /** Who waits for a node to answer. */
  private readonly waiting = new Map<NodeId, Set<() => void>>();

  constructor(
    farm: Pick<Farm, 'bus' | 'log'>,
    readyNodes: () => readonly InspectingNode[],
    timeLimitMs = TIME_LIMIT_MS,
  ) {
    this.farm = farm;
    this.readyNodes = readyNodes;
    this.timeLimitMs = timeLimitMs;
  }

  /** It will not answer any more. */
  nodeGone(nodeId: NodeId): void {
    for (const tell of this.waiting.get(nodeId) ?? []) tell();
  }

  /**
   * @param request without a version: the newest that nodes have.
   * @throws RENDERER_MISSING, QUEUE_FULL, NODE_LOST when no node answers, JOB_SPEC_INVALID for a manifest that no message
   *         holds, and what the node says of the scene.
   */
  async inspect(request: InspectRequest): Promise<SceneInspection> {
    if (this.underWay >= UNDER_WAY_MAX)
      throw new FarmError('QUEUE_FULL', `${UNDER_WAY_MAX} scenes are being inspected; try again in a moment`);
    this.underWay++;
    try {
      return await this.askNodes(request);
    } finally {
      this.underWay--;
    }
  }

  private async askNodes(request: InspectRequest): Promise<SceneInspection> {
    const { renderer, manifest } = request;
    const rendererVersion = request.rendererVersion ?? newestVersion(renderer, this.readyNodes());
    const data = this.encode({ ...request, ...(rendererVersion !== undefined && { rendererVersion }) });
    const tried = new Set<NodeId>();
    let failure: FarmError | undefined;
    const silences: string[] = [];
    while (tried.size < NODES_TRIED_MAX) {
      const node = rendererVersion && this.pick(renderer, rendererVersion, tried);
      if (!node) break;
      tried.add(node);
      const answer = await this.ask(node, data, renderer, rendererVersion);
      if (typeof answer === 'string') silences.push(answer);
      else if (answer.kind === 'inspected') return answer.inspection;
      else {
        failure = toError(answer);
        if (isOfScene(failure.code)) throw failure;
        silences.push(`node ${node}: ${failure.message}`);
      }
      const facts = { nodeId: node, entry: manifest.entry, reason: silences.at(-1) };
      this.farm.log.warn(facts, 'scene not inspected by node');
    }
    if (failure) throw failure;
    if (tried.size === 0) throw this.rendererMissing(renderer, request.rendererVersion);
    throw new FarmError(
      'NODE_LOST',
      `${manifest.entry} could not be inspected: ${silences.join('; ')}; try again, or give frames, size and samples`,
    );
  }

  /** The one with the most idle slots. */
  private pick(renderer: string, version: string, tried: ReadonlySet<NodeId>): NodeId | undefined {
    let best: InspectingNode | undefined;
    for (const node of this.readyNodes()) {
      const has = node.renderers.some((one) => one.name === renderer && one.version === version);
      if (!has || tried.has(node.nodeId)) continue;
      if (!best || node.slots - node.slotsBusy > best.slots - best.slotsBusy) best = node;
    }
    return best?.nodeId;
  }

  /** @returns the answer, or why there is none. */
  private async ask(
    nodeId: NodeId,
    data: Uint8Array,
    renderer: string,
    version: string,
  ): Promise<InspectAnswer | string> {
    const { connection, names } = this.farm.bus;
    const subject = names.inspect(nodeId);
    const { gone, forget } = this.whenGone(nodeId);
    try {
      const reply = connection.request(subject, data, { timeout: this.timeLimitMs });
      const message = await Promise.race([reply, gone]);
      if (!message) {
        // It ends by itself at its time limit, and nobody listens.
        reply.catch(() => undefined);
        return `node ${nodeId} was lost`;
      }
      const answer = decodeMessage(inspectAnswerSchema, message.data, `answer of node ${nodeId}`);
      if (answer.kind === 'failed') return answer;
      const by = answer.inspection;
      if (by.renderer === renderer && (by.rendererVersion === version || by.rendererVersion === ''))
        return answer;
      return `node ${nodeId} answered for ${by.renderer} ${by.rendererVersion}`;
    } catch (error) {
      if (error instanceof FarmError) return error.message;
      const why =
        (error as Error).name === 'TimeoutError'
          ? `gave no answer within ${this.timeLimitMs / 1000} s`
          : `gave no answer (${messageOf(error)})`;
      return `node ${nodeId} ${why}`;
    } finally {
      forget();
    }
  }

  private whenGone(nodeId: NodeId): { gone: Promise<undefined>; forget: () => void } {
    const listeners = this.waiting.get(nodeId) ?? new Set();
    this.waiting.set(nodeId, listeners);
    let tell = () => {};
    const gone = new Promise<undefined>((resolve) => {
      tell = () => resolve(undefined);
    });
    listeners.add(tell);
    const forget = () => {
      listeners.delete(tell);
      if (listeners.size === 0) this.waiting.delete(nodeId);
    };
    return { gone, forget };
  }

  private encode(request: InspectRequest): Uint8Array {
    const data = encodeMessage(request);
    const bytesMax = this.farm.bus.connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    if (data.byteLength <= bytesMax) return data;
    throw new FarmError(
      'JOB_SPEC_INVALID',
      `manifest: its ${request.manifest.files.length} files make a request of ${data.byteLength} bytes, and the bus takes ${bytesMax}; shorten paths, raise max_payload of the NATS server, or inspect where the renderer is installed`,
    );
  }

  private rendererMissing(renderer: string, version: string | undefined): FarmError {
    const wanted = version === undefined ? `the renderer "${renderer}"` : `${renderer} ${version}`;
    const nodes = this.readyNodes();
    const has = nodes.length === 0 ? 'no node is ready' : whatNodesHave(renderer, nodes);
    return new FarmError(
      'RENDERER_MISSING',
      `no node has ${wanted} to inspect the scene with; ${has}; install it on a node, or inspect where it is installed`,
      { renderer },
    );
  }
}

function toError({ code, message }: Extract<InspectAnswer, { kind: 'failed' }>): FarmError {
  const text = message.replace(/\s+/g, ' ').trim();
  if (code in ERROR_CODES) return new FarmError(code as ErrorCode, text);
  return new FarmError('RENDER_FAILED', `${code.replace(/\s+/g, ' ')}: ${text}`);
}

/** No other node would say otherwise. */
const isOfScene = (code: ErrorCode) => code.startsWith('SCENE_') || code === 'IMAGE_INVALID';
