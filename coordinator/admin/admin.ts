/**
 * What admins set, from the journal in the store: validated, journalled (fsynced), in force, and told to whoever listens,
 * in this order and one change after the other.
 *
 * Loops ask `settings` (a new object at each change) through effective.ts, and `policy()` for studios and licences, both
 * anew whenever `onChange` tells them; services change things by `apply` and `report`.
 */
import type { Clock } from '#shared/clock.js';
import { FarmError } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import type { Logger } from '#shared/log.js';
import type { AdminJournal } from '../adapters/store/admin-journal.js';
import type { SchedulingPolicy } from '../scheduling/farm-model.js';
import type { AdminAction } from './actions.js';
import { applyAction, SettingsFold } from './apply-action.js';
import { describeAction, subjectOf } from './describe-action.js';
import { LicenceReports } from './licence-reports.js';
import type { AdminSettings } from './settings.js';

/** Whatever is removed was there, be it by a report or a heartbeat: its end is told. */
const REMOVALS: ReadonlySet<AdminAction['kind']> = new Set([
  'studio_removed',
  'pool_removed',
  'licence_removed',
  'node_removed',
]);

/** What anybody can make up names for; nodes and jobs are known before something is set for them. */
const BOUNDED = ['studios', 'pools', 'licences'] as const;

export interface AdminParts {
  readonly journal: AdminJournal;
  /** Loaded. What was set for jobs that nobody knows any more is left out. */
  readonly jobs: { has(jobId: string): boolean };
  readonly clock: Clock;
  readonly log: Logger;
}

export class Admin implements AsyncDisposable {
  readonly journal: AdminJournal;
  readonly reports: LicenceReports;
  private readonly clock: Clock;
  private readonly log: Logger;
  private readonly listeners = new Set<() => void>();
  private inForce: AdminSettings;
  private turn: Promise<unknown> = Promise.resolve();

  /** @throws whatever keeps the journal from being read. */
  static async open(parts: AdminParts): Promise<Admin> {
    const fold = new SettingsFold();
    await parts.journal.load(({ action }) => fold.add(action));
    return new Admin(
      parts,
      fold.settings((jobId) => parts.jobs.has(jobId)),
    );
  }

  private constructor({ journal, clock, log }: AdminParts, settings: AdminSettings) {
    this.journal = journal;
    this.clock = clock;
    this.log = log;
    this.inForce = settings;
    this.reports = new LicenceReports(() => this.tell());
  }

  get settings(): AdminSettings {
    return this.inForce;
  }

  policy(): SchedulingPolicy {
    const { studios, licences } = this.inForce;
    return { studios, licences: this.reports.over(licences) };
  }

  /** @returns stops listening. A listener must not throw. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Resolves when the change would survive a power cut and is in force. What sets nothing new is not journalled.
   * @param actor  who asks (`actorSchema`).
   * @param assert throws when it cannot be done; called when nothing else is under way, right before it is journalled.
   * @throws DISK_FULL and SETTINGS_FULL (nothing has changed then), and what `assert` throws.
   */
  async apply(actor: string, action: AdminAction, assert: () => void = () => undefined): Promise<void> {
    await this.inTurn(async () => {
      assert();
      const next = applyAction(this.inForce, action);
      if (next === this.inForce && !REMOVALS.has(action.kind)) return;
      for (const part of BOUNDED) assertRoom(part, this.inForce[part].size, next[part].size);
      await this.record(actor, action);
      this.inForce = next;
      if (action.kind === 'licence_removed') this.reports.remove(action.licence);
      this.tell();
    });
  }

  /**
   * Resolves when the number is in force until it expires. Journalled when it is another than before.
   * @throws DISK_FULL and SETTINGS_FULL (nothing has changed then).
   */
  async report(actor: string, licence: string, total: number, expiresAfterMs: number): Promise<void> {
    await this.inTurn(async () => {
      const isNew = this.reports.find(licence)?.total !== total;
      const before = this.reports.names().length;
      if (!this.reports.find(licence)) assertRoom('licences', before, before + 1);
      if (isNew) await this.record(actor, { kind: 'licence_reported', licence, total });
      this.reports.set(licence, total, expiresAfterMs);
      if (isNew) this.tell();
    });
  }

  /** Waits for the change that is under way; the journal belongs to the store, which closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.reports.stop();
    await this.turn;
    this.listeners.clear();
  }

  private async record(actor: string, action: AdminAction): Promise<void> {
    const { sequence } = await this.journal.append({ atMs: this.clock.nowMs(), actor, action });
    const subject = subjectOf(action);
    this.log.info(
      { sequence, actor, action: action.kind, subject, change: describeAction(action) },
      'setting changed',
    );
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined);
    return result;
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}

/** A journal that has more of them is in force as it is. @throws SETTINGS_FULL */
function assertRoom(part: (typeof BOUNDED)[number], before: number, after: number): void {
  if (after <= before || after <= LIMITS.settingsMax) return;
  const what = part.slice(0, -1);
  throw new FarmError(
    'SETTINGS_FULL',
    `there are ${before} ${part} already, and ${LIMITS.settingsMax} is the most; "guian ${what} remove NAME" makes room`,
  );
}
