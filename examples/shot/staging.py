"""What moves: lanterns that swing and drift, egrets, and the camera on its slider."""
import math
import random

import bpy

from lanterns import FLOATING, HANGING
from mesh_maker import MeshMaker
from pavilion import CENTRE, COLUMN_RADIUS_M, EAVES_M, corners
from shading import lacquer

FRAME_COUNT = 24
FRAMES_PER_SECOND = 24
FLAME = (1.0, 0.50, 0.18)


def hang_lanterns(collection, library):
    """One at each corner of both roofs, three close to the lens. `library`: collections by name."""
    chance = random.Random(1368)
    for at in corners(3.72):
        swinging(collection, library[HANGING], (*at, EAVES_M + 0.72), chance, degrees=4)
    for at in corners(1.15):
        swinging(collection, library[HANGING], (*at, EAVES_M - 0.05), chance, degrees=2)
    for at, scale in (((1.55, 3.6, 3.22), 0.9), ((2.35, 4.6, 3.05), 0.9), ((3.0, 3.9, 3.45), 0.9)):
        swinging(collection, library[HANGING], at, chance, degrees=9, scale=scale)

    # Few lamps: at few samples each lamp more is noise for the others.
    for at, power in (((*CENTRE, EAVES_M - 1.1), 260), ((CENTRE[0] + 1.9, CENTRE[1] - 4.2, 2.6), 190)):
        lamp = bpy.data.lights.new('flame', 'POINT')
        lamp.energy = power
        lamp.color = FLAME
        lamp.shadow_soft_size = 0.25
        thing = bpy.data.objects.new('flame', lamp)
        thing.location = at
        thing.visible_glossy = False
        collection.objects.link(thing)


def swinging(collection, lantern, at, chance, degrees, scale=1.0):
    thing = instance(collection, lantern, at, scale)
    phase, lean = chance.uniform(0, math.tau), chance.uniform(-0.6, 0.6)
    for frame in range(0, FRAME_COUNT + 2):
        swing = math.radians(degrees) * math.sin(math.tau * frame / FRAMES_PER_SECOND / 1.1 + phase)
        thing.rotation_euler = (swing * 0.5, swing, lean)
        thing.keyframe_insert('rotation_euler', frame=frame)


def float_lanterns(collection, library):
    chance = random.Random(24)
    for index in range(15):
        # Thicker towards the pavilion, clear of its terrace.
        far = 5.5 + 15 * (index / 14) ** 1.2
        side = chance.uniform(-0.42, 0.36) * far
        if abs(side - CENTRE[0]) < 4.2 and abs(far - CENTRE[1]) < 4.2:
            side += 5.6
        thing = instance(collection, library[FLOATING], (side, far, 0), chance.uniform(0.85, 1.15))
        drift = chance.uniform(0.10, 0.35)
        for frame in (0, FRAME_COUNT + 1):
            thing.location.x = side + drift * frame / FRAMES_PER_SECOND
            thing.rotation_euler.z = index + 0.4 * frame / FRAMES_PER_SECOND
            thing.keyframe_insert('location', frame=frame)
            thing.keyframe_insert('rotation_euler', frame=frame)
    straighten()


def instance(collection, source, at, scale):
    thing = bpy.data.objects.new(source.name, None)
    thing.instance_type = 'COLLECTION'
    thing.instance_collection = source
    thing.location = at
    thing.scale = (scale, scale, scale)
    collection.objects.link(thing)
    return thing


def fly_egrets(collection):
    """Three birds; the wings beat twice in the shot."""
    feathers = lacquer('feathers', (0.75, 0.73, 0.70), 0.7)
    for index, start in enumerate(((7.2, 20, 5.3), (8.5, 21, 5.9), (9.0, 19.5, 4.9))):
        body = MeshMaker()
        body.lathe([(0.0, -0.55), (0.10, -0.3), (0.13, 0.0), (0.09, 0.3), (0.03, 0.42), (0.03, 0.75), (0.05, 0.8), (0.0, 1.0)], 8)
        bird = body.build(f'egret {index + 1}', feathers)
        collection.objects.link(bird)
        wings = []
        for sign in (-1, 1):
            sheet = MeshMaker()
            sheet.grid(6, 2, lambda u, v, s=sign: (s * u * 1.15, 0.05 * math.sin(u * math.pi), (0.18 - v * 0.42) * (1 - 0.65 * u**2) - 0.12 * u))
            wing = sheet.build(f'wing {index + 1}', feathers)
            wing.parent = bird
            collection.objects.link(wing)
            wings.append((wing, sign))
        for frame in range(0, FRAME_COUNT + 2):
            seconds = frame / FRAMES_PER_SECOND
            beat = math.sin(math.tau * seconds * 2 + index * 2.1)
            bird.location = (start[0] - 5.0 * seconds, start[1] + 0.8 * seconds, start[2] - 0.08 * beat + 0.3 * seconds)
            # The body's axis, its own Z, points where it flies.
            bird.rotation_euler = (math.radians(-90), 0, math.radians(80))
            bird.keyframe_insert('location', frame=frame)
            for wing, sign in wings:
                wing.rotation_euler = (0, 0, -sign * math.radians(14 + 38 * beat))
                wing.keyframe_insert('rotation_euler', frame=frame)


def slide_camera(scene, collection):
    """A slider to the right that looks at the pavilion, which stays sharp."""
    target = bpy.data.objects.new('focus', None)
    target.location = (CENTRE[0] + 2.2, CENTRE[1] - COLUMN_RADIUS_M, 3.35)
    collection.objects.link(target)
    lens = bpy.data.cameras.new('slider')
    lens.lens = 30
    lens.clip_end = 3000
    lens.dof.use_dof = True
    lens.dof.focus_distance = 13.2
    lens.dof.aperture_fstop = 0.45
    lens.dof.aperture_blades = 7
    camera = bpy.data.objects.new('slider', lens)
    collection.objects.link(camera)
    follow = camera.constraints.new('TRACK_TO')
    follow.target = target
    follow.track_axis = 'TRACK_NEGATIVE_Z'
    follow.up_axis = 'UP_Y'
    for frame, at in ((0, (-0.55, -0.4, 1.45)), (FRAME_COUNT + 1, (0.75, 0.35, 1.75))):
        camera.location = at
        camera.keyframe_insert('location', frame=frame)
    scene.camera = camera
    straighten()


def straighten():
    """Constant speed between keys."""
    for action in bpy.data.actions:
        for curve in action.fcurves:
            for key in curve.keyframe_points:
                key.interpolation = 'LINEAR'
