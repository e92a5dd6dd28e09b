"""The three pictures of the shot, painted pixel by pixel: paper of the lanterns, roof tiles, stone."""
import math

import bpy
from mathutils import Vector, noise


def paint(path, width, height, colour):
    """`colour(u, v)`: sRGB from 0 to 1, v upwards. @returns the image, as a file at `path`."""
    image = bpy.data.images.new(path.stem, width, height, alpha=False)
    pixels = []
    for y in range(height):
        for x in range(width):
            pixels += [*colour((x + 0.5) / width, (y + 0.5) / height), 1.0]
    image.pixels = pixels
    image.filepath_raw = str(path)
    image.file_format = 'PNG'
    image.save()
    bpy.data.images.remove(image)
    return bpy.data.images.load(str(path))


def paper(u, v):
    """Warm in the middle, where the flame is; ribs of bamboo; a band of gold above and below."""
    rib = 0.86 + 0.14 * abs(math.sin(u * 12 * math.pi)) ** 0.35
    flame = math.exp(-(((v - 0.45) / 0.38) ** 2))
    fibre = 1 + 0.10 * noise.noise(Vector((u * 40, v * 9, 3)))
    if not 0.09 < v < 0.91:
        return (0.85 * fibre, 0.58 * fibre, 0.16)
    return (min(1, (0.58 + 0.42 * flame) * rib * fibre), (0.08 + 0.55 * flame**1.6) * rib, 0.03 + 0.22 * flame**2)


def roof_tiles(u, v):
    """Rows of half-round tiles; wraps."""
    across = (u * 4) % 1
    round_tile = math.sqrt(max(0.0, 1 - ((across - 0.5) / 0.36) ** 2))
    lip = 0.55 if (v * 4) % 1 < 0.16 else 1.0
    moss = 0.5 + 0.5 * noise.noise(Vector((math.cos(u * math.tau), math.sin(u * math.tau), v * 3)) * 1.5)
    shade = (0.16 + 0.34 * round_tile) * lip
    return (shade * 0.62, shade * (0.70 + 0.12 * moss), shade * 0.74)


def stone(u, v):
    """Slabs in courses, each of another grey; wraps."""
    course = math.floor(v * 4)
    along = (u * 2 + 0.5 * (course % 2)) % 2
    slab = math.floor(along)
    joint = min(along - slab, slab + 1 - along) * 2, min((v * 4) % 1, 1 - (v * 4) % 1)
    grain = noise.noise(Vector((u * 31, v * 31, 1))) * 0.07 + noise.noise(Vector((u * 9, v * 9, 5))) * 0.08
    tone = 0.46 + 0.07 * math.sin(course * 5.1 + slab * 2.7) + grain
    if min(joint) < 0.045:
        tone *= 0.45
    return (tone, tone * 0.97, tone * 0.90)
