/** How the valley wants to be rendered: the defaults that the scene file itself brings (`scenes[0].extras.guian`). */
export const RENDER_SETTINGS = {
  frames: '0-47x15',
  size: '320x180',
  samples: 16,
  fps: 24,
  environment: 'none',
  exposure: 1.2,
  view: 'agx',
} as const;
