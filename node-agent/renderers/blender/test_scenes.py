"""Makes the scenes that the tests of this folder render: `blender -b --factory-startup -P test_scenes.py -- FOLDER GROUP`."""

import os
import sys

import bpy

FOLDER, GROUP = sys.argv[sys.argv.index("--") + 1 :]
PACKAGE = os.path.join(FOLDER, "package")


def path_in(*parts):
    path = os.path.join(PACKAGE, *parts)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def picture(*parts, color):
    image = bpy.data.images.new("picture", 8, 8)
    image.pixels = [value for index in range(64) for value in (*color[:2], (index % 9) / 8, 1)]
    image.filepath_raw = path_in(*parts)
    image.file_format = "PNG"
    image.save()
    bpy.data.images.remove(image)


def new_scene(camera=True):
    """A cube on a floor under a lamp, tiny and cheap."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y = 96, 64
    scene.render.resolution_percentage = 50
    scene.frame_start, scene.frame_end = 1, 4
    scene.cycles.samples = 4
    bpy.ops.mesh.primitive_plane_add(size=20)
    bpy.ops.mesh.primitive_cube_add(location=(0, 0, 1))
    cube = bpy.context.object
    cube.name = "Cube"
    bpy.ops.object.light_add(type="POINT", location=(2, -3, 4))
    bpy.context.object.data.energy = 800
    if camera:
        bpy.ops.object.camera_add(location=(0, -7, 2.5), rotation=(1.35, 0, 0))
        scene.camera = bpy.context.object
    return scene, cube


def save(name, **options):
    bpy.ops.wm.save_as_mainfile(filepath=path_in(name), check_existing=False, relative_remap=False, **options)


def material_of(cube, name="Paint"):
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    cube.data.materials.append(material)
    nodes = material.node_tree.nodes
    return material, nodes, material.node_tree.links, nodes["Principled BSDF"]


def textured(cube, path, source="FILE"):
    material, nodes, links, shader = material_of(cube)
    node = nodes.new("ShaderNodeTexImage")
    image = bpy.data.images.new("bark", 8, 8)
    image.source = source
    image.filepath = path
    node.image = image
    links.new(node.outputs["Color"], shader.inputs["Base Color"])
    return node


def link(name, kind, wanted):
    """By an absolute path, as studios with one file server do."""
    with bpy.data.libraries.load(path_in("libraries", name), link=True) as (_, to):
        setattr(to, kind, [wanted])
    bpy.data.libraries[name].filepath = path_in("libraries", name)
    return getattr(bpy.data, kind)[wanted]


def libraries():
    """`prop.blend` has a texture, and an object that is itself linked from `base.blend`."""
    _, cube = new_scene()
    cube.name = "Base"
    cube.scale = (3, 0.2, 0.2)
    save("libraries/base.blend")
    scene, cube = new_scene()
    cube.name = "Prop"
    textured(cube, os.path.join(PACKAGE, "textures", "bark.png"))
    props = bpy.data.collections.new("Props")
    props.objects.link(cube)
    props.objects.link(link("base.blend", "objects", "Base"))
    scene.collection.children.link(props)
    save("libraries/prop.blend")


def shot():
    """Depth of field, motion blur, glass, linked libraries, absolute paths, a sequence, odd settings."""
    libraries()
    scene, cube = new_scene()
    node = textured(cube, "//textures/film.0001.png", source="SEQUENCE")
    node.image.name = "film"
    node.image_user.frame_duration = 4
    node.image_user.frame_start = 1
    node.image_user.use_auto_refresh = True
    cube.keyframe_insert("location", frame=1)
    cube.location.x, cube.rotation_euler.z = 2, 1
    cube.keyframe_insert("location", frame=4)
    bpy.ops.mesh.primitive_uv_sphere_add(location=(-2, -1, 1), segments=16, ring_count=8)
    glass, nodes, links, shader = material_of(bpy.context.object, "Glass")
    links.new(nodes.new("ShaderNodeBsdfGlass").outputs[0], nodes["Material Output"].inputs["Surface"])
    scene.collection.children.link(link("prop.blend", "collections", "Props"))
    camera = scene.camera.data
    camera.dof.use_dof, camera.dof.focus_distance, camera.dof.aperture_fstop = True, 6, 0.4
    scene.render.use_motion_blur = True
    scene.cycles.seed = 7
    scene.cycles.use_adaptive_sampling = scene.cycles.use_denoising = True
    scene.use_nodes = True
    scene.view_layers[0].use_pass_z = scene.view_layers[0].use_pass_normal = True
    scene.view_layers.new("Second")
    # Data that no picture depends on: a reference picture behind the camera.
    guide = bpy.data.images.new("guide", 8, 8)
    guide.source = "FILE"
    guide.filepath = "/nowhere/guide.png"
    camera.background_images.new().image = guide
    save("shot.blend", compress=True)


def plain():
    new_scene()
    save("plain.blend")


def choices():
    """Two scenes, the second is the file's own; two cameras that take turns, two view layers that differ."""
    scene, cube = new_scene()
    cube.keyframe_insert("location", frame=1)
    cube.location.x = 3
    cube.keyframe_insert("location", frame=4)
    top = bpy.data.objects.new("Top", bpy.data.cameras.new("Top"))
    top.location.z = 9
    scene.collection.objects.link(top)
    extra = bpy.data.collections.new("Extra")
    scene.collection.children.link(extra)
    ball = bpy.data.objects.new("Ball", cube.data)
    ball.location.x = -2
    extra.objects.link(ball)
    scene.view_layers.new("Bare").layer_collection.children["Extra"].exclude = True
    own = bpy.data.scenes.new("Own")
    own.render.engine = "CYCLES"
    for data in scene.collection.objects:
        own.collection.objects.link(data)
    own.camera = scene.camera
    own.timeline_markers.new("one", frame=1).camera = scene.camera
    own.timeline_markers.new("two", frame=3).camera = top
    bpy.context.window.scene = own
    save("choices.blend")


def disk_cache():
    """Particles baked into files beside the scene."""
    _, cube = new_scene()
    cube.modifiers.new("Smoke", "PARTICLE_SYSTEM")
    cube.particle_systems[0].point_cache.name = "smoke"
    save("disk-cache.blend")
    cube.particle_systems[0].point_cache.use_disk_cache = True
    bpy.ops.ptcache.bake_all(bake=True)
    save("disk-cache.blend")


def needs():
    """One of each kind of file; only the picture `bark` is there."""
    scene, cube = new_scene()
    scene.frame_end = 2
    cube.name = "Needs"
    _, nodes, _, _ = material_of(cube)
    for name, source, path in (
        ("udim", "TILED", "//udim/skin.<UDIM>.png"),
        ("clip", "MOVIE", "//clips/loop.mp4"),
        ("frames", "SEQUENCE", "//frames/f_007.exr"),
        ("bark", "FILE", "//textures/bark.png"),
    ):
        node = nodes.new("ShaderNodeTexImage")
        node.image = bpy.data.images.new(name, 8, 8, tiled=source == "TILED")
        node.image.source = source
        node.image.filepath = path
        if source == "SEQUENCE":
            node.image_user.frame_duration, node.image_user.frame_offset = 10, 20
            node.image_user.use_auto_refresh = True
        if source == "TILED":
            node.image.tiles.new(1002)
    lamp = bpy.data.lights.new("Lamp", "POINT")
    lamp.use_nodes = True
    profile = lamp.node_tree.nodes.new("ShaderNodeTexIES")
    profile.mode, profile.filepath = "EXTERNAL", "//lights/lamp.ies"
    scene.collection.objects.link(bpy.data.objects.new("Lamp", lamp))
    volume = bpy.data.volumes.new("smoke")
    volume.filepath, volume.is_sequence = "//smoke/s_0001.vdb", True
    volume.frame_duration = 2
    scene.collection.objects.link(bpy.data.objects.new("Smoke", volume))
    modifier = cube.modifiers.new("Shape", "MESH_CACHE")
    modifier.filepath = "//caches/shape.pc2"
    speaker = bpy.data.speakers.new("Speaker")
    scene.collection.objects.link(bpy.data.objects.new("Speaker", speaker))
    scene.render.engine = "CYCLES"
    save("needs.blend")


def broken_files():
    plain()
    with open(path_in("plain.blend"), "rb") as file:
        whole = file.read()
    new_scene()
    save("compressed.blend", compress=True)
    with open(path_in("compressed.blend"), "rb") as file:
        compressed = file.read()
    for name, data in (
        ("empty.blend", b""),
        ("garbage.blend", b"no blender file, but long enough to be one" * 40),
        ("truncated.blend", whole[: len(whole) // 2]),
        ("truncated-compressed.blend", compressed[: len(compressed) // 2]),
        ("newer.blend", whole[:9] + b"405" + whole[12:]),
    ):
        with open(path_in(name), "wb") as file:
            file.write(data)


def files_that_are_not_there():
    _, cube = new_scene()
    textured(cube, "//textures/gone.png")
    save("missing-texture.blend")
    _, cube = new_scene()
    textured(cube, "/usr/share/pixmaps/debian-logo.png")
    save("outside.blend")
    _, cube = new_scene()
    textured(cube, "//../secret.png")
    save("escaping.blend")
    _, cube = new_scene()
    node = textured(cube, "//textures/film.0001.png", source="SEQUENCE")
    node.image_user.frame_duration = 9
    node.image_user.use_auto_refresh = True
    save("missing-sequence-frame.blend")
    new_scene()
    bpy.data.objects["Cube"].name = "Gone"
    save("libraries/short-lived.blend")
    for name in ("missing-library.blend", "changed-library.blend", "damaged-library.blend"):
        scene, _ = new_scene()
        library = path_in("libraries", "short-lived.blend")
        with bpy.data.libraries.load(library, link=True, relative=False) as (_, wanted):
            wanted.objects = ["Gone"]
        scene.collection.objects.link(bpy.data.objects["Gone"])
        other = {"changed": "changed", "damaged": "damaged"}.get(name.split("-")[0], "gone")
        bpy.data.libraries[0].filepath = f"//libraries/{other}.blend"
        save(name)
    new_scene()
    save("libraries/changed.blend")
    with open(path_in("libraries", "damaged.blend"), "wb") as file:
        file.write(b"BLENDER-v304" + bytes(500))
    os.remove(path_in("libraries", "short-lived.blend"))


def damaged_pictures():
    for name in ("skin.1001.png", *(f"film.{number:04d}.png" for number in range(1, 7))):
        picture("damaged", name, color=(0.5, 0.5))
    for name in ("film.0005.png", "skin.1002.png", "noise.png", "no-clip.mp4"):
        with open(path_in("damaged", name), "wb") as file:
            file.write(b"no picture")
    image = bpy.data.images.new("photo", 64, 64)
    image.generated_type = "COLOR_GRID"
    image.filepath_raw, image.file_format = path_in("damaged", "whole.jpg"), "JPEG"
    image.save()
    with open(path_in("damaged", "whole.jpg"), "rb") as file:
        photo = file.read()
    with open(path_in("damaged", "half.jpg"), "wb") as file:
        file.write(photo[: len(photo) // 2])
    scene, _ = new_scene()
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    scene.render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
    scene.render.filepath = path_in("damaged", "layers.exr")
    bpy.ops.render.render(write_still=True)
    scene.frame_end, scene.render.image_settings.file_format = 1, "FFMPEG"
    scene.render.ffmpeg.format, scene.render.use_file_extension = "MPEG4", False
    scene.render.filepath = path_in("damaged", "clip.mp4")
    bpy.ops.render.render(animation=True)
    for name in ("noise.png", "half.jpg", "whole.jpg", "layers.exr", "clip.mp4", "no-clip.mp4"):
        _, cube = new_scene()
        textured(cube, f"//damaged/{name}", source="MOVIE" if name.endswith("mp4") else "FILE")
        save(f"picture-{name.split('.')[0]}.blend")
    scene, cube = new_scene()
    node = textured(cube, "//damaged/film.0001.png", source="SEQUENCE")
    scene.frame_end = node.image_user.frame_duration = 6
    node.image_user.use_auto_refresh = True
    save("picture-sequence.blend")
    _, cube = new_scene()
    textured(cube, "//damaged/skin.<UDIM>.png", source="TILED").image.tiles.new(1002)
    save("picture-udim.blend")


def folder_outside():
    """A fluid that was baked elsewhere."""
    _, cube = new_scene()
    modifier = cube.modifiers.new("Water", "FLUID")
    modifier.fluid_type = "DOMAIN"
    domain = modifier.domain_settings
    domain.resolution_max, domain.cache_frame_end, domain.cache_type = 6, 1, "ALL"
    domain.cache_directory = os.path.join(FOLDER, "private")
    bpy.context.view_layer.objects.active = cube
    bpy.ops.fluid.bake_all()
    save("folder-outside.blend")


def scenes_that_cannot_be_rendered():
    new_scene(camera=False)
    save("no-camera.blend")
    scene, _ = new_scene()
    scene.render.engine = "BLENDER_EEVEE"
    save("eevee.blend")
    scene, _ = new_scene()
    scene.view_layers[0].use = False
    save("no-view-layer.blend")
    _, cube = new_scene()
    material_of(cube)[1].new("ShaderNodeScript")
    save("osl.blend")
    _, cube = new_scene()
    _, nodes, links, _ = material_of(cube)
    light = nodes.new("ShaderNodeEmission")
    power = nodes.new("ShaderNodeMath")
    power.operation = "MULTIPLY"
    power.inputs[0].default_value = power.inputs[1].default_value = 1e30
    links.new(power.outputs[0], light.inputs["Strength"])
    links.new(light.outputs[0], nodes["Material Output"].inputs["Surface"])
    save("infinite.blend")
    _, cube = new_scene()
    bpy.ops.object.gpencil_add(type="MONKEY")
    save("grease-pencil.blend")


def registered(line):
    text = bpy.data.texts.new("rig.py")
    text.write(f"import bpy\n{line}\n")
    text.use_module = True


def scripts():
    mark = os.path.join(FOLDER, "script-was-here")
    write = f"open({mark!r}, 'w').write('here')\n"
    new_scene()
    registered(write)
    save("script.blend")
    _, cube = new_scene()
    driver = cube.driver_add("location", 0).driver
    driver.expression = f"1 if open({mark!r}, 'w') else 0"
    save("driver.blend")
    for name, expression in (("simple-driver", "frame * 0.1"), ("python-driver", "__import__('math').sqrt(4)")):
        _, cube = new_scene()
        cube.driver_add("location", 0).driver.expression = expression
        save(f"{name}.blend")
    new_scene()
    registered("raise RuntimeError('no rig')")
    save("failing-script.blend")
    for name, expression in (("unknown-function", "rig(frame)"), ("division", "1 / 0 * frame")):
        _, cube = new_scene()
        cube.driver_add("location", 0).driver.expression = expression
        save(f"{name}.blend")
    _, cube = new_scene()
    registered("bpy.app.driver_namespace['rig'] = lambda frame: frame / 4")
    cube.driver_add("location", 0).driver.expression = "rig(frame)"
    save("known-function.blend")


def simulations():
    _, cube = new_scene()
    cube.modifiers.new("Smoke", "PARTICLE_SYSTEM")
    save("particles.blend")
    for kind, name in (("CLOTH", "cloth"), ("SOFT_BODY", "soft-body"), ("FLUID", "fluid")):
        _, cube = new_scene()
        modifier = cube.modifiers.new("Simulation", kind)
        if kind == "FLUID":
            modifier.fluid_type = "DOMAIN"
        save(f"{name}.blend")
    _, cube = new_scene()
    bpy.context.view_layer.objects.active = cube
    bpy.ops.rigidbody.world_add()
    bpy.ops.rigidbody.object_add()
    save("rigid-body.blend")
    _, cube = new_scene()
    cube.modifiers.new("Smoke", "PARTICLE_SYSTEM")
    bpy.ops.ptcache.bake_all(bake=True)
    save("baked-particles.blend")


for number in range(1, 5):
    picture("textures", f"film.{number:04d}.png", color=(number / 4, 0.5))
picture("textures", "bark.png", color=(0.8, 0.2))
GROUPS = {
    "shot": [shot, plain, choices, needs, disk_cache],
    "bad": [broken_files, files_that_are_not_there, damaged_pictures, folder_outside]
    + [scenes_that_cannot_be_rendered, scripts, simulations],
}
for make in GROUPS[GROUP]:
    make()
