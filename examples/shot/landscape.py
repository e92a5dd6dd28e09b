"""Sky, lake and the karst towers round it."""
import math

import bpy
from mathutils import Vector, noise

from mesh_maker import MeshMaker
from shading import Nodes, rock, water

SUN_AZIMUTH = math.radians(101)
SUN_ELEVATION = math.radians(3.5)
# Of each tower: x, y, radius, height, in metres; the camera looks along +Y.
TOWERS = [
    (-78, 150, 24, 74), (-47, 185, 17, 44), (-122, 175, 34, 92), (16, 250, 22, 52), (38, 205, 19, 70),
    (66, 235, 28, 98), (100, 190, 26, 56), (140, 240, 40, 96), (-190, 300, 55, 118), (-104, 380, 44, 110),
    (34, 440, 46, 96), (120, 400, 54, 130), (205, 380, 60, 120), (-300, 420, 80, 150), (-190, 560, 80, 165),
    (-20, 900, 80, 95), (300, 560, 100, 175),
]


def build_landscape(collection):
    bpy.context.scene.world = dusk()
    sun = bpy.data.lights.new('last sun', 'SUN')
    sun.energy = 3.2
    sun.angle = math.radians(4)
    sun.color = (1.0, 0.52, 0.26)
    lamp = bpy.data.objects.new('last sun', sun)
    lamp.rotation_euler = sun_direction().to_track_quat('Z', 'Y').to_euler()
    collection.objects.link(lamp)

    lake = MeshMaker()
    lake.grid(4, 4, lambda u, v: ((u - 0.5) * 2400, -60 + v * 1800, 0))
    collection.objects.link(lake.build('lake', water()))

    karst = rock()
    for index, (x, y, radius, height) in enumerate(TOWERS):
        near = y < 330
        tower = MeshMaker()
        tower.grid(
            30 if near else 20,
            18 if near else 12,
            lambda u, v, r=radius, h=height, seed=index * 17.3: on_tower(u, v, r, h, seed),
            close=True,
        )
        thing = tower.build(f'tower {index + 1}', karst)
        thing.location = (x, y, -1)
        collection.objects.link(thing)


def on_tower(u, v, radius, height, seed):
    """Steep walls, a rounded head, and a foot of scree; rough at two sizes."""
    rise = v**0.85
    spread = (1 - rise**3.2) ** 0.55 * (0.78 + 0.42 * (1 - rise) ** 3)
    angle = u * math.tau
    out = Vector((math.cos(angle), math.sin(angle), 0))
    where = out * 1.1 + Vector((seed, seed * 0.5, rise * 2.2))
    rough = noise.noise(where) * 0.34 + noise.noise(where * 3.1) * 0.15
    lean = noise.noise(Vector((seed, rise * 1.5, 7))) * 0.28 * radius
    at = out * radius * spread * (1 + rough)
    top = height * rise * (1 + 0.10 * noise.noise(where * 1.7) * rise)
    return (at.x + lean, at.y, top)


def sun_direction():
    """From the scene to the sun."""
    flat = math.cos(SUN_ELEVATION)
    return Vector((flat * math.cos(SUN_AZIMUTH), flat * math.sin(SUN_AZIMUTH), math.sin(SUN_ELEVATION)))


def dusk():
    """A gradient by elevation and a glow round the sun that has just gone behind the hills."""
    world = bpy.data.worlds.new('dusk')
    world.use_nodes = True
    world.node_tree.nodes.clear()
    nodes = Nodes(world.node_tree)
    ray = nodes.add('ShaderNodeTexCoord', output='Generated')
    up = nodes.add('ShaderNodeSeparateXYZ', output='Z', inputs={0: ray})
    sky = nodes.ramp(
        nodes.math('MAXIMUM', up, 0.0),
        [
            (0.0, (1.0, 0.50, 0.24)), (0.10, (0.98, 0.42, 0.26)), (0.20, (0.58, 0.30, 0.36)),
            (0.38, (0.13, 0.15, 0.34)), (1.0, (0.03, 0.06, 0.18)),
        ],
    )
    towards = nodes.add(
        'ShaderNodeVectorMath', output='Value', operation='DOT_PRODUCT', inputs={0: ray, 1: sun_direction()}
    )
    glow = nodes.math('POWER', nodes.math('MAXIMUM', towards, 0.0), 14.0)
    warm = nodes.add('ShaderNodeBackground', inputs={'Color': (1.0, 0.42, 0.14, 1), 'Strength': glow})
    plain = nodes.add('ShaderNodeBackground', inputs={'Color': sky, 'Strength': 1.5})
    nodes.add_output('ShaderNodeOutputWorld', nodes.add('ShaderNodeAddShader', inputs={0: plain, 1: warm}))
    world.cycles.sampling_method = 'MANUAL'
    world.cycles.sample_map_resolution = 256
    return world
