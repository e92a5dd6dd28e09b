/** How much memory a slot may use, and the process as a whole. */
import { totalmem } from 'node:os';
import { FarmError } from '#shared/errors.js';
import { sizeText } from './disk-room.js';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
/** Main thread, code, results on their way: what is no slot's. */
const BASE_BYTES = GIB;
/** Of the machine. Above it the kernel may end any process, and would pick the agent first. */
const MACHINE_PART_MAX = 0.9;
/** A thread with a warm session uses some 10 MiB before its first tile; below this nothing would render. */
const SLOT_BYTES_MIN = 32 * MIB;
/**
 * The JS heap's own limit is the last resort, above the slot's: at V8's limit one allocation of more than 16 MiB (a Map or
 * an array that doubles) ends the whole process and not just the thread (measured with Node 20.20).
 */
const HEAP_FACTOR = 2;

/**
 * @param configuredBytes `--slot-memory`; 0 takes an equal part of the machine without 1 GiB.
 * @throws CONFIG_INVALID where nothing could be rendered in so little.
 */
export function slotMemoryBytes(configuredBytes: number, slots: number): number {
  if (configuredBytes === 0)
    return Math.max(SLOT_BYTES_MIN, Math.floor((machineBytes() - BASE_BYTES) / slots));
  if (configuredBytes >= SLOT_BYTES_MIN) return configuredBytes;
  throw new FarmError(
    'CONFIG_INVALID',
    `--slot-memory: ${configuredBytes} bytes are not enough for a slot; give it ${sizeText(SLOT_BYTES_MIN)} or more, or 0 for an equal part of the machine`,
  );
}

/** @param sharedBytes prepared frames, which all slots share: they count once, and against no slot. */
export function processMemoryBytesMax(slots: number, slotBytes: number, sharedBytes: number): number {
  return Math.min(MACHINE_PART_MAX * machineBytes(), BASE_BYTES + sharedBytes + slots * slotBytes);
}

/** For threads whose slot may use so much. */
export function heapLimits(slotBytes: number): { maxOldGenerationSizeMb: number } {
  return { maxOldGenerationSizeMb: Math.ceil((HEAP_FACTOR * slotBytes) / MIB) };
}

/** @param who e.g. `its slot` */
export function memoryMessage(who: string, usedBytes: number, limitBytes: number): string {
  return `${who} used ${sizeText(usedBytes)} of memory, the limit is ${sizeText(limitBytes)} (--slot-memory of the agent)`;
}

/** What a control group leaves of the machine, where there is one. */
function machineBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
