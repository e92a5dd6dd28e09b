import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LicencePolicy } from '../scheduling/farm-model.js';
import { LicenceReports } from './licence-reports.js';

const CONFIGURED = new Map<string, LicencePolicy>([['nuke', { total: 4, per: 'node' }]]);
let expiries = 0;
let reports: LicenceReports;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  expiries = 0;
  reports = new LicenceReports(() => {
    expiries++;
  });
});
afterEach(() => {
  reports.stop();
  vi.useRealTimers();
});

describe('a report of a licence server', () => {
  it('stands in for the configured number until it expires, and that is told once', () => {
    expect(reports.over(CONFIGURED)).toBe(CONFIGURED);
    reports.set('nuke', 1, 5_000);
    reports.set('arnold', 7, 9_000);
    expect([...reports.over(CONFIGURED)]).toEqual([
      ['nuke', { total: 1, per: 'node' }],
      ['arnold', { total: 7, per: 'slot' }],
    ]);
    vi.advanceTimersByTime(4_999);
    expect(reports.remainingMs('nuke')).toBe(1);
    expect(expiries).toBe(0);
    vi.advanceTimersByTime(2);
    expect(expiries).toBe(1);
    expect(reports.over(CONFIGURED).get('nuke')).toEqual({ total: 4, per: 'node' });
    expect(reports.names()).toEqual(['arnold']);
    vi.advanceTimersByTime(10_000);
    expect(expiries).toBe(2);
    expect([...reports.over(CONFIGURED)]).toEqual([...CONFIGURED]);
  });

  it('that is renewed in time never expires in between', () => {
    for (let round = 0; round < 5; round++) {
      reports.set('nuke', 2, 5_000);
      vi.advanceTimersByTime(4_000);
      expect(reports.find('nuke')?.total).toBe(2);
    }
    expect(expiries).toBe(0);
  });

  it('is out of force on the very millisecond, whether or not a timer was late', () => {
    reports.set('nuke', 2, 5_000);
    vi.setSystemTime(0);
    expect(reports.find('nuke')).toBeDefined();
    reports.remove('nuke');
    expect(reports.find('nuke')).toBeUndefined();
    expect(reports.remainingMs('nuke')).toBe(0);
  });
});
