/** Apart from the renderer, so that the heartbeat can name the version without loading it. Change it with the pattern. */
export const SYNTHETIC_VERSION = '1.0.0';
