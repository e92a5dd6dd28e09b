/** A tile's pixel rectangle: half-open `[x0,x1) × [y0,y1)`, origin top-left, y down. */
import { z } from 'zod';
import { LIMITS } from '../limits.js';

const edge = z.int().min(0).max(LIMITS.frameSidePxMax);
export const regionSchema = z
  .strictObject({ x0: edge, y0: edge, x1: edge, y1: edge })
  .refine((region) => region.x0 < region.x1 && region.y0 < region.y1, 'a region has at least one pixel');
export type Region = Readonly<z.infer<typeof regionSchema>>;

export const regionWidthPx = (region: Region): number => region.x1 - region.x0;
export const regionHeightPx = (region: Region): number => region.y1 - region.y0;
export const regionPixels = (region: Region): number => regionWidthPx(region) * regionHeightPx(region);
