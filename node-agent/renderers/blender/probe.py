"""
Renders a small picture that has something of everything (curved and fine surfaces, depth of field, motion blur, glass, a
volume, textures, a sky), so that nodes whose processors compute other last bits are told apart; and names the GPUs.
"""

import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.append(os.path.dirname(os.path.abspath(__file__)))

import bpy

from compute_device import gpu_names, is_embree_held, use_compute_device
from render_setup import set_region, set_up

WIDTH, HEIGHT, SAMPLES = 64, 48, 4
LAYERS = ["beauty", "normal", "depth"]


def material(name, node_type, **inputs):
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    nodes, links = made.node_tree.nodes, made.node_tree.links
    nodes.clear()
    shader, output = nodes.new(node_type), nodes.new("ShaderNodeOutputMaterial")
    for key, value in inputs.items():
        shader.inputs[key.replace("_", " ")].default_value = value
    links.new(shader.outputs[0], output.inputs["Volume" if "Volume" in node_type else "Surface"])
    return made, shader


def painted():
    made, shader = material("painted", "ShaderNodeBsdfPrincipled", Roughness=0.3, Metallic=0.4, Clearcoat=0.5)
    nodes, links = made.node_tree.nodes, made.node_tree.links
    noise, ramp, bump = (nodes.new(f"ShaderNode{name}") for name in ("TexNoise", "ValToRGB", "Bump"))
    image = bpy.data.images.new("grid", 32, 32, float_buffer=True)
    image.pixels.foreach_set([((index * 7919) % 1013) / 1013 for index in range(32 * 32 * 4)])
    texture = nodes.new("ShaderNodeTexImage")
    texture.image, texture.interpolation = image, "Cubic"
    mix = nodes.new("ShaderNodeMixRGB")
    links.new(noise.outputs["Fac"], ramp.inputs["Fac"])
    links.new(noise.outputs["Fac"], bump.inputs["Height"])
    links.new(bump.outputs["Normal"], shader.inputs["Normal"])
    links.new(ramp.outputs["Color"], mix.inputs["Color1"])
    links.new(texture.outputs["Color"], mix.inputs["Color2"])
    links.new(mix.outputs["Color"], shader.inputs["Base Color"])
    return made


def put(add, paint, **where):
    add(**where)
    bpy.context.object.data.materials.append(paint)
    return bpy.context.object


def build():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.use_motion_blur = True
    mesh = bpy.ops.mesh
    put(mesh.primitive_plane_add, painted(), size=30)
    head = put(mesh.primitive_monkey_add, painted(), location=(0, 0, 1.2))
    head.modifiers.new("fine", "SUBSURF").render_levels = 1
    head.keyframe_insert("location", frame=1)
    head.keyframe_insert("rotation_euler", frame=1)
    head.location.x, head.rotation_euler.z = 0.8, 0.7
    head.keyframe_insert("location", frame=3)
    head.keyframe_insert("rotation_euler", frame=3)
    glass, _ = material("glass", "ShaderNodeBsdfGlass", IOR=1.45, Roughness=0.02)
    put(mesh.primitive_uv_sphere_add, glass, location=(-1.7, -0.8, 0.9), radius=0.9)
    smoke, _ = material("smoke", "ShaderNodeVolumePrincipled", Density=0.4, Anisotropy=0.3)
    put(mesh.primitive_cube_add, smoke, location=(2.2, 0.4, 1.1), size=1.8)
    world = scene.world = bpy.data.worlds.new("sky")
    world.use_nodes = True
    nodes, links = world.node_tree.nodes, world.node_tree.links
    sky = nodes.new("ShaderNodeTexSky")
    background = next(node for node in nodes if node.type == "BACKGROUND")
    background.inputs["Strength"].default_value = 0.2
    links.new(sky.outputs["Color"], background.inputs["Color"])
    bpy.ops.object.light_add(type="AREA", location=(2, -3, 4))
    bpy.context.object.data.energy = 300
    bpy.ops.object.camera_add(location=(0, -6.5, 2.4), rotation=(1.37, 0, 0))
    scene.camera = bpy.context.object
    scene.camera.data.dof.use_dof = True
    scene.camera.data.dof.focus_distance, scene.camera.data.dof.aperture_fstop = 6, 1.0
    scene.frame_set(2)
    return scene


def main():
    out = os.fdopen(3, "w", encoding="utf-8")
    request = json.loads(sys.stdin.readline())
    scene = build()
    gpus = gpu_names()
    settings = {"widthPx": WIDTH, "heightPx": HEIGHT, "samples": SAMPLES, "seed": 0, "layers": LAYERS}
    set_up(scene, scene.view_layers[0], settings, 0)
    use_compute_device(scene)
    set_region(scene, {"x0": 0, "y0": 0, "x1": WIDTH, "y1": HEIGHT}, WIDTH, HEIGHT)
    scene.render.filepath = request["out"]
    bpy.ops.render.render(write_still=True, scene=scene.name)
    out.write(json.dumps({"gpus": gpus, "isEmbreeHeld": is_embree_held()}) + "\n")
    out.flush()
    os._exit(0)


main()
