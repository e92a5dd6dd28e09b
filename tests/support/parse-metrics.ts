/** Prometheus' text format, read strictly: what its own server would refuse or misread fails here. */
import { expect } from 'vitest';

export interface Metric {
  readonly type: string;
  readonly help: string;
  /** By their labels as written, e.g. `pool="film"`; empty: without. */
  readonly samples: Map<string, number>;
}

const HELP = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/;
const TYPE = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)$/;
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"';
const SAMPLE = new RegExp(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (\\S+)$`);
const NUMBER = /^(NaN|[+-]?Inf|[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?)$/i;

/** @returns metrics by name; each has one help and one type before its samples, and no sample twice. */
export function parseMetrics(text: string): Map<string, Metric> {
  expect(text.endsWith('\n'), 'the last line ends').toBe(true);
  const metrics = new Map<string, Metric>();
  let help: { readonly name: string; readonly text: string } | undefined;
  let current = '';
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [, helpName, helpText] = HELP.exec(line) ?? [];
    const [, typeName, type] = TYPE.exec(line) ?? [];
    if (helpName !== undefined) help = { name: helpName, text: helpText! };
    else if (typeName !== undefined) {
      expect(help?.name, `help before the type of ${typeName}`).toBe(typeName);
      expect(metrics.has(typeName), `${typeName} twice`).toBe(false);
      metrics.set(typeName, { type: type!, help: help!.text, samples: new Map() });
      current = typeName;
    } else {
      const [, name, labels = '', value] = SAMPLE.exec(line) ?? [];
      expect(name, `no sample of ${current}: ${line}`).toBe(current);
      expect(value, line).toMatch(NUMBER);
      const { samples } = metrics.get(current)!;
      expect(samples.has(labels), `twice: ${line}`).toBe(false);
      samples.set(labels, Number(value));
    }
  }
  return metrics;
}
