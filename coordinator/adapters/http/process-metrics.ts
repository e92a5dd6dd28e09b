/**
 * What the coordinator's own process uses, and how late its event loop is. The library's default metrics are not used:
 * their observers cannot be stopped, and they read files of /proc in the event loop at each scrape.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, type Registry } from 'prom-client';

const PREFIX = 'guian_coordinator_';
/** How often the delay is sampled, ms: a fifth of what is aimed at as the 99th percentile. */
const RESOLUTION_MS = 4;
const QUANTILES = [0.5, 0.9, 0.99, 1] as const;
const NS_PER_S = 1e9;

export class ProcessMetrics implements Disposable {
  private readonly delays: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private readonly delay: Gauge;
  private readonly cpu: Counter;
  private readonly memory: Gauge;
  private cpuSeconds = 0;

  constructor(registry: Registry) {
    const registers = [registry];
    this.delay = new Gauge({
      name: `${PREFIX}event_loop_delay_seconds`,
      help: 'How late the event loop was since the last scrape, by quantile (1: at most).',
      labelNames: ['quantile'],
      registers,
    });
    this.cpu = new Counter({
      name: `${PREFIX}process_cpu_seconds_total`,
      help: 'CPU time of the process, all threads together.',
      registers,
    });
    this.memory = new Gauge({
      name: `${PREFIX}process_resident_memory_bytes`,
      help: 'Resident memory of the process.',
      registers,
    });
    const start = new Gauge({
      name: `${PREFIX}process_start_time_seconds`,
      help: 'When the process started, in seconds since 1970.',
      registers,
    });
    start.set(Math.round(performance.timeOrigin) / 1000);
    this.delays.enable();
  }

  /** Takes the numbers of this moment. */
  look(): void {
    // The histogram holds the whole interval between two samples, of which the resolution is no delay.
    for (const quantile of QUANTILES) {
      const wholeNs = this.delays.count === 0 ? 0 : this.delays.percentile(quantile * 100);
      const lateNs = Math.max(0, wholeNs - RESOLUTION_MS * 1e6);
      this.delay.set({ quantile: String(quantile) }, lateNs / NS_PER_S);
    }
    this.delays.reset();
    const { user, system } = process.cpuUsage();
    const cpuSeconds = (user + system) / 1e6;
    this.cpu.inc(cpuSeconds - this.cpuSeconds);
    this.cpuSeconds = cpuSeconds;
    this.memory.set(process.memoryUsage.rss());
  }

  [Symbol.dispose](): void {
    this.delays.disable();
  }
}
