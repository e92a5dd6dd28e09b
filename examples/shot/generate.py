"""
Makes the shot: `blender -b --factory-startup --python-exit-code 1 -P examples/shot/generate.py [-- FOLDER]`.
Writes shot.blend, library/lanterns.blend and textures/*.png to FOLDER, else beside this file. Nothing is random but
seeded generators, so that the same Blender makes the same shot.
"""
import shutil
import sys
import tempfile
from pathlib import Path

import bpy

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))

from landscape import build_landscape  # noqa: E402
from lanterns import FLOATING, HANGING, build_library  # noqa: E402
from paint import paint, paper, roof_tiles, stone  # noqa: E402
from pavilion import build_pavilion  # noqa: E402
from staging import FRAME_COUNT, FRAMES_PER_SECOND, float_lanterns, fly_egrets, hang_lanterns, slide_camera  # noqa: E402


def generate(folder):
    (folder / 'library').mkdir(parents=True, exist_ok=True)
    (folder / 'textures').mkdir(exist_ok=True)
    shot, library = folder / 'shot.blend', folder / 'library' / 'lanterns.blend'
    bpy.ops.wm.read_factory_settings(use_empty=True)
    sheet = paint(folder / 'textures' / 'lantern-paper.png', 192, 96, paper)
    collections = build_library(sheet)
    # The collections and what they use, without the interface and the brushes of a whole file.
    bpy.data.libraries.write(str(library), set(collections), path_remap='RELATIVE', fake_user=True, compress=True)

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.name = 'dusk'
    save(shot)
    linked = link_collections(library)
    tiles = paint(folder / 'textures' / 'roof-tiles.png', 128, 128, roof_tiles)
    slabs = paint(folder / 'textures' / 'stone.png', 128, 128, stone)
    build_landscape(scene.collection)
    build_pavilion(scene.collection, tiles, slabs)
    hang_lanterns(scene.collection, linked)
    float_lanterns(scene.collection, linked)
    fly_egrets(scene.collection)
    slide_camera(scene, scene.collection)
    set_up_render(scene)
    # Images were loaded by where they are on this machine.
    bpy.ops.file.make_paths_relative()
    save(shot)


def link_collections(library):
    with bpy.data.libraries.load(str(library), link=True, relative=True) as (_, wanted):
        wanted.collections = [HANGING, FLOATING]
    return {collection.name: collection for collection in wanted.collections}


def set_up_render(scene):
    scene.render.engine = 'CYCLES'
    scene.render.resolution_x, scene.render.resolution_y = 480, 270
    scene.render.resolution_percentage = 100
    scene.render.fps = FRAMES_PER_SECOND
    scene.frame_start, scene.frame_end = 1, FRAME_COUNT
    scene.render.use_motion_blur = True
    scene.render.motion_blur_shutter = 0.5
    scene.render.filepath = '//renders/shot.####'
    cycles = scene.cycles
    cycles.samples = 16
    cycles.use_adaptive_sampling = False
    cycles.use_denoising = False
    cycles.max_bounces = 4
    cycles.diffuse_bounces = 2
    cycles.glossy_bounces = 3
    cycles.sample_clamp_indirect = 2.0
    cycles.caustics_reflective = cycles.caustics_refractive = False
    # Of Blender's own pictures; masters of the farm are scene-linear.
    scene.view_settings.view_transform = 'Filmic'


def save(path):
    bpy.data.batch_remove(bpy.data.brushes)
    # One window's layout is enough, and says nothing of the folders of this machine.
    bpy.data.batch_remove([space for space in bpy.data.workspaces if space.name != 'Layout'])
    # No .blend1 beside it.
    bpy.context.preferences.filepaths.save_version = 0
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True, relative_remap=True)


arguments = sys.argv[sys.argv.index('--') + 1 :] if '--' in sys.argv else []
# Blender writes down where it saved a library, for its own use: that is no business of whoever opens the shot.
with tempfile.TemporaryDirectory() as folder:
    generate(Path(folder))
    shutil.copytree(folder, arguments[0] if arguments else HERE, dirs_exist_ok=True)
