"""The library that the shot links: a lantern to hang and one to float, each a collection with its origin at the hook or the waterline."""
import math

import bpy

from mesh_maker import MeshMaker
from shading import lacquer, new_material

HANGING = 'hanging lantern'
FLOATING = 'floating lantern'


def build_library(paper):
    """@returns the two collections. `paper`: an image."""
    glowing = glowing_paper(paper)
    wood = lacquer('lantern wood', (0.035, 0.018, 0.01), 0.5)
    silk = lacquer('tassel', (0.55, 0.05, 0.02), 0.8)

    hanging = bpy.data.collections.new(HANGING)
    body = MeshMaker()
    steps = 12
    body.lathe([(0.11 + 0.19 * math.sin(math.pi * i / steps) ** 0.7, -0.72 + 0.46 * i / steps) for i in range(steps + 1)], 24)
    hanging.objects.link(body.build('paper', glowing))
    rims = MeshMaker()
    for low, high in ((-0.77, -0.71), (-0.27, -0.21)):
        rims.lathe([(0.0, low), (0.125, low), (0.125, high), (0.0, high)], 16)
    rims.lathe([(0.007, -0.22), (0.007, 0.0)], 6)
    hanging.objects.link(rims.build('rims and cord', wood))
    tassel = MeshMaker()
    tassel.lathe([(0.055, -1.12), (0.045, -0.92), (0.02, -0.86), (0.008, -0.77)], 10)
    hanging.objects.link(tassel.build('tassel', silk))

    floating = bpy.data.collections.new(FLOATING)
    cup = MeshMaker()
    cup.lathe([(0.13, 0.05), (0.165, 0.12), (0.175, 0.22), (0.15, 0.30)], 6)
    floating.objects.link(cup.build('paper cup', glowing))
    raft = MeshMaker()
    for petal in range(8):
        turn = math.tau * petal / 8

        def on_petal(u, v, turn=turn):
            out = 0.10 + 0.20 * v
            wide = 0.17 * math.sin(math.pi * (0.15 + 0.85 * v)) ** 0.7 * (u - 0.5)
            return (
                out * math.cos(turn) - wide * math.sin(turn),
                out * math.sin(turn) + wide * math.cos(turn),
                0.02 + 0.16 * v**2,
            )

        raft.grid(3, 4, on_petal)
    floating.objects.link(raft.build('petals', lacquer('petals', (0.62, 0.16, 0.20), 0.6)))
    return hanging, floating


def glowing_paper(image):
    """
    Seen by the camera and in mirrors; lamps beside it light the rest of the scene. Diffuse rays that find a small bright
    thing by chance are all noise at few samples.
    """
    material, nodes = new_material('glowing paper')
    picture = nodes.add('ShaderNodeTexImage', image=image, inputs={0: nodes.add('ShaderNodeUVMap')})
    chance = nodes.add('ShaderNodeLightPath', output='Is Diffuse Ray')
    strength = nodes.math('MULTIPLY', nodes.math('SUBTRACT', 1.0, chance), 2.7)
    glow = nodes.add('ShaderNodeEmission', inputs={'Color': picture, 'Strength': strength})
    skin = nodes.add('ShaderNodeBsdfDiffuse', inputs={'Color': picture})
    nodes.surface(nodes.add('ShaderNodeAddShader', inputs={0: glow, 1: skin}))
    material.cycles.sample_as_light = False
    return material
