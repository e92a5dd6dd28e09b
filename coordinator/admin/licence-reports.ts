/**
 * What licence servers have reported of late: it stands in for the configured number of tokens until it expires. In memory
 * only, as it is soon out of date. Times of expiry go by the clock that only goes forward.
 */
import type { LicencePolicy } from '../scheduling/farm-model.js';

export interface LicenceReport {
  readonly total: number;
  /** By the clock of `nowMs`. */
  readonly expiresAtMs: number;
}

export class LicenceReports {
  private readonly nowMs: () => number;
  private readonly expired: () => void;
  private readonly reports = new Map<string, LicenceReport>();
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param nowMs   a clock that only goes forward.
   * @param expired called once when one or more are out of force.
   */
  constructor(expired: () => void, nowMs: () => number = () => performance.now()) {
    this.nowMs = nowMs;
    this.expired = expired;
  }

  set(licence: string, total: number, expiresAfterMs: number): void {
    this.reports.set(licence, { total, expiresAtMs: this.nowMs() + expiresAfterMs });
    this.wait();
  }

  /** In force now. */
  find(licence: string): LicenceReport | undefined {
    const report = this.reports.get(licence);
    return report && report.expiresAtMs > this.nowMs() ? report : undefined;
  }

  /** How much longer the report holds, ms; 0 without one. */
  remainingMs(licence: string): number {
    const report = this.find(licence);
    return report ? report.expiresAtMs - this.nowMs() : 0;
  }

  remove(licence: string): void {
    this.reports.delete(licence);
  }

  /** Names with a report in force. */
  names(): readonly string[] {
    return [...this.reports.keys()].filter((name) => this.find(name));
  }

  /** Tokens of each licence now. One that is only reported counts per slot. */
  over(configured: ReadonlyMap<string, LicencePolicy>): ReadonlyMap<string, LicencePolicy> {
    if (this.reports.size === 0) return configured;
    const now = new Map(configured);
    for (const name of this.names())
      now.set(name, { per: configured.get(name)?.per ?? 'slot', total: this.find(name)!.total });
    return now;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.reports.clear();
  }

  private wait(): void {
    clearTimeout(this.timer);
    if (this.reports.size === 0) return;
    const next = Math.min(...[...this.reports.values()].map(({ expiresAtMs }) => expiresAtMs));
    // A timer may be early by a millisecond.
    this.timer = setTimeout(() => this.expire(), Math.max(1, next - this.nowMs() + 1));
    this.timer.unref();
  }

  private expire(): void {
    const before = this.reports.size;
    for (const name of [...this.reports.keys()]) if (!this.find(name)) this.reports.delete(name);
    this.wait();
    if (this.reports.size < before) this.expired();
  }
}
