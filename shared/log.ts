/**
 * The one logger. Message = fixed phrase, facts = fields; `info` is a state change, `warn` something that recovered by
 * itself, `error` needs a person, `debug` is per message. Logs go to stderr: stdout belongs to results.
 */
import pino from 'pino';

export type Logger = pino.Logger;
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export function createLogger(component: string, level: LogLevel = 'info'): Logger {
  return pino(
    { level, base: { component }, serializers: { err: pino.stdSerializers.err } },
    pino.destination({ dest: 2, sync: true }),
  );
}
