import { expect, it } from 'vitest';
import { coordinatorConfig } from '#coordinator/config.js';
import { resolveConfig } from '#shared/config.js';
import { studioSchema } from '#shared/domain/ids.js';
import { assertMayRunScripts, parseScriptPolicy } from './script-policy.js';

const mayRun = (policy: string, studio: string, isAsked = true): boolean => {
  try {
    const { allowScripts } = resolveConfig(coordinatorConfig, { flags: { allowScripts: policy } });
    assertMayRunScripts(parseScriptPolicy(allowScripts), studioSchema.parse(studio), isAsked);
    return true;
  } catch (error) {
    expect(error).toMatchObject({
      code: 'SCENE_NEEDS_SCRIPTS',
      message: expect.stringContaining(`--allow-scripts ${studio}`),
    });
    return false;
  }
};

it('scripts run for the studios that are named, for all, or for none; who does not ask is never refused', () => {
  expect(parseScriptPolicy(resolveConfig(coordinatorConfig, {}).allowScripts)).toBe('none');
  expect(mayRun('none', 'pixel-barn')).toBe(false);
  expect(mayRun('none', 'pixel-barn', false)).toBe(true);
  expect(mayRun('all', 'pixel-barn')).toBe(true);
  expect(mayRun('other,pixel-barn', 'pixel-barn')).toBe(true);
  expect(mayRun('other,pixel', 'pixel-barn')).toBe(false);
});

it.each(['', 'a,,b', 'a b', ','])('a policy of %j stops the start', (policy) => {
  const resolve = () => resolveConfig(coordinatorConfig, { flags: { allowScripts: policy } });
  expect(resolve).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
});
