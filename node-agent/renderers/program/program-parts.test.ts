import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bubblewrapArgs } from './bubblewrap-args.js';
import { LogTail } from './log-tail.js';
import { messageLines } from './message-lines.js';

describe('log tail', () => {
  test('keeps the end of many small and of one huge write', () => {
    const small = new LogTail(10);
    for (let n = 0; n < 10_000; n++) small.push(Buffer.from(`${n} `));
    expect(small.toString()).toBe('9998 9999 ');
    const huge = new LogTail(10);
    huge.push(Buffer.from(`${'x'.repeat(1_000_000)}the end`));
    expect(huge.toString()).toBe('xxxthe end');
    expect(new LogTail(10).toString()).toBe('');
  });

  test('counts characters, whatever their bytes, and survives bytes that are no text', () => {
    const tail = new LogTail(4);
    tail.push(Buffer.from('日本語日本語'));
    expect(tail.toString()).toBe('語日本語');
    tail.push(Buffer.from([0xff, 0x41]));
    expect(tail.toString()).toBe('本語�A');
  });
});

describe('message lines', () => {
  test('come out whole, however the bytes are cut', () => {
    const bytes = Buffer.from('{"a":"é"}\n\n[1,\n2]\n'.replace(',\n', ','));
    for (let size = 1; size <= bytes.length; size++) {
      const next = messageLines(100);
      const values: unknown[] = [];
      for (let at = 0; at < bytes.length; at += size) values.push(...next(bytes.subarray(at, at + size)));
      expect(values).toEqual([{ a: 'é' }, [1, 2]]);
    }
  });

  test('that are no JSON or too long are refused', () => {
    expect(() => messageLines(100)(Buffer.from('Traceback\n'))).toThrow('a message is no JSON: "Traceback"');
    const next = messageLines(10);
    next(Buffer.from('"45678'));
    expect(() => next(Buffer.from('90123'))).toThrow('a message has no end after 10 bytes');
    expect(messageLines(10)(Buffer.from('"34567890"\n'))).toEqual(['34567890']);
    expect(() => messageLines(10)(Buffer.from('"345678901"\n'))).toThrow('no end');
  });
});

describe('bubblewrap arguments', () => {
  const walls = (executable: string) =>
    bubblewrapArgs({
      executable,
      readableFolders: ['/cache/package'],
      scratchFolder: '/cache/package/scratch',
      temporaryFolder: '/cache/package/scratch/tmp',
    });
  const bindsOf = (args: readonly string[], kind: string) =>
    args.flatMap((arg, at) => (arg === kind ? [`${args[at + 1]} ${args[at + 2]}`] : []));

  test('show the package read-only, and the scratch folder alone to be written', () => {
    const args = walls('/usr/bin/blender');
    expect(bindsOf(args, '--ro-bind')).toEqual(['/cache/package /cache/package']);
    expect(bindsOf(args, '--bind')).toEqual([
      '/cache/package/scratch/tmp /tmp',
      '/cache/package/scratch /cache/package/scratch',
    ]);
    expect(args.lastIndexOf('--bind')).toBeGreaterThan(args.lastIndexOf('--ro-bind'));
    for (const wall of ['--unshare-all', '--unshare-user', '--die-with-parent', '--new-session'])
      expect(args).toContain(wall);
    expect(args).not.toContain('--share-net');
    expect(args.at(-1)).toBe('--');
  });

  test('show nothing of homes, accounts, sockets and other temporary files', () => {
    const shown = bindsOf(walls('/usr/bin/blender'), '--ro-bind-try').map((bind) => bind.split(' ')[0]);
    for (const path of shown)
      expect(path).not.toMatch(/^\/(home|root|var|run|tmp|sys|etc$|etc\/(passwd|shadow|ssl|ssh|hosts))/);
  });

  test('show the folder of a program that is installed outside the system, but no whole home', () => {
    const shown = (executable: string) => bindsOf(walls(executable), '--ro-bind')[0]?.split(' ')[0];
    expect(shown('/opt/blender-3.6/blender')).toBe('/opt/blender-3.6');
    expect(shown('/home/ann/apps/blender-3.6/blender')).toBe('/home/ann/apps/blender-3.6');
    for (const alone of ['/home/ann/blender', '/root/blender', '/opt/blender'])
      expect(shown(alone)).toBe(join(alone));
  });
});
