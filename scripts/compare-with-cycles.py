"""
Renders one glTF scene with Cycles, in the glTF's own units, for compare-with-cycles.mjs, which gives the job as JSON after
`--`. What the importer does otherwise than glTF means it is put right here and nowhere else.
"""
import json
import sys

import bpy

try:
    import numpy
except ImportError:
    sys.exit("Blender's glTF importer needs numpy: apt-get install python3-numpy")

# The importer of Blender 3.4 names a type that numpy has dropped since.
if 'bool' not in vars(numpy):
    numpy.bool = bool

# As ours: surfaces that a path visits.
BOUNCES = 8


def main():
    job = json.loads(sys.argv[sys.argv.index('--') + 1])
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = job['fps']
    # COMPAT: candela and lux as they stand, where the default divides by 683 lumens per watt.
    bpy.ops.import_scene.gltf(filepath=job['scene'], convert_lighting_mode='COMPAT')
    set_up_lights()
    set_up_unlit()
    set_up_camera(scene, job)
    set_up_render(scene, job)
    scene.frame_set(job['frame'])
    bpy.ops.render.render(write_still=True)


def set_up_lights():
    """Lights of glTF are points and directions: nothing about them is soft."""
    for light in bpy.data.lights:
        if light.type == 'SUN':
            light.angle = 0
        else:
            light.shadow_soft_size = 0


def set_up_unlit():
    """The importer shows unlit surfaces to the camera alone; ours have that radiance for every ray."""
    for material in bpy.data.materials:
        nodes = material.node_tree.nodes if material.use_nodes else []
        shows = [node for node in nodes if node.type == 'LIGHT_PATH']
        emission = next((node for node in nodes if node.type == 'EMISSION'), None)
        if not shows or emission is None:
            continue
        output = next(node for node in nodes if node.type == 'OUTPUT_MATERIAL')
        material.node_tree.links.new(emission.outputs[0], output.inputs['Surface'])


def set_up_camera(scene, job):
    camera = next(thing for thing in scene.objects if thing.type == 'CAMERA')
    camera.data.sensor_fit = 'VERTICAL'
    camera.data.angle_y = job['verticalFov']
    camera.data.clip_end = 1e6
    scene.camera = camera


def set_up_render(scene, job):
    world = bpy.data.worlds.new('none')
    world.use_nodes = True
    world.node_tree.nodes['Background'].inputs['Strength'].default_value = 0
    scene.world = world
    scene.render.engine = 'CYCLES'
    scene.render.resolution_x, scene.render.resolution_y = job['widthPx'], job['heightPx']
    scene.render.resolution_percentage = 100
    scene.render.use_compositing = scene.render.use_sequencer = False
    image = scene.render.image_settings
    image.file_format, image.color_depth, image.exr_codec = 'OPEN_EXR', '32', 'NONE'
    scene.render.filepath = job['output']
    cycles = scene.cycles
    cycles.samples = job['samples']
    cycles.use_adaptive_sampling = cycles.use_denoising = False
    cycles.max_bounces = cycles.diffuse_bounces = cycles.glossy_bounces = BOUNCES
    cycles.sample_clamp_direct = cycles.sample_clamp_indirect = 0
    cycles.light_sampling_threshold = 0
    cycles.blur_glossy = 0
    # A pixel of ours is a box.
    cycles.pixel_filter_type = 'BOX'
    cycles.filter_width = 1.0


main()
