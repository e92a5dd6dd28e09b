/**
 * Punctual lights (KHR_lights_punctual): the low sun in lux, street lamps and courtyard floodlights in candela. Few of
 * them: the glow of windows and strips comes from emissive surfaces.
 */
import type { Document } from '@gltf-transform/core';
import { KHRLightsPunctual, type Light } from '@gltf-transform/extensions';
import { campusPoint, TO_SUN } from './layout.js';
import { LAMP_HEIGHT, LAMPS } from './roads.js';
import { add3, lookAt, scale3, type Vec3 } from './vector.js';

/** Illuminance of the last sunlight, lux. */
const SUN_LUX = 2.7;
/** A lamp 7.5 m up gives 1.4 lux below it: half of what the sun still gives. */
const LAMP_CANDELA = 80;
const GARDEN_CANDELA = 18;
const COURTYARD_CANDELA = 110;

/** Adds one node per light to the default scene. */
export function addLights(document: Document): void {
  const extension = document.createExtension(KHRLightsPunctual);
  const add = (light: Light, name: string, position: Vec3, target: Vec3) => {
    const node = document
      .createNode(name)
      .setTranslation([...position])
      .setRotation(lookAt(position, target));
    document.getRoot().getDefaultScene()?.addChild(node.setExtension('KHR_lights_punctual', light));
  };

  const sun = extension
    .createLight('sun')
    .setType('directional')
    .setColor([1, 0.4, 0.13])
    .setIntensity(SUN_LUX);
  add(sun, 'sun', scale3(TO_SUN, 500), [0, 0, 0]);

  const lamp = extension
    .createLight('lamp')
    .setType('spot')
    .setColor([1, 0.72, 0.42])
    .setIntensity(LAMP_CANDELA)
    .setInnerConeAngle(0.5)
    .setOuterConeAngle(1.25);
  LAMPS.forEach(({ u, v, y }, index) => {
    if (index % 2 === 1 || v > 40) return;
    const head = campusPoint(u * 0.8, y + LAMP_HEIGHT - 0.5, v);
    add(lamp, `lamp ${index + 1}`, head, add3(head, [0.01, -1, 0]));
  });

  const garden = extension
    .createLight('garden')
    .setType('point')
    .setColor([1, 0.66, 0.34])
    .setIntensity(GARDEN_CANDELA);
  for (const u of [-80, -40, 40, 80]) {
    const position = campusPoint(u, 5, -88);
    add(garden, 'garden', position, add3(position, [0.01, -1, 0]));
  }

  const courtyard = extension
    .createLight('courtyard')
    .setType('point')
    .setColor([0.72, 0.86, 1])
    .setIntensity(COURTYARD_CANDELA);
  for (const [u, v] of [
    [-52, -43.5],
    [52, -43.5],
    [0, 84],
  ]) {
    const position = campusPoint(u, 9, v);
    add(courtyard, 'courtyard', position, add3(position, [0.01, -1, 0]));
  }
}
