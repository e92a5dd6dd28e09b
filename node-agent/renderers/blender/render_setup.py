"""
Sets a scene up for tiles: whatever makes a pixel depend on other pixels, on the machine or on time is off; size, samples,
seed, camera, view layer and passes are the job's; the rest is as the artist saved it.
"""

import bpy

from fault import Fault

#: Of the farm's layers: what turns it on in a view layer. `beauty` is always there.
PASS_SWITCHES = {
    "normal": "use_pass_normal",
    "depth": "use_pass_z",
    "position": "use_pass_position",
    "emission": "use_pass_emit",
    "ao": "use_pass_ambient_occlusion",
    "mist": "use_pass_mist",
}
SEED_END = 2**31


def chosen_scene(name):
    """Raises a Fault for one that the file lacks; without a name the file's own."""
    if name is None:
        window = bpy.context.window
        return window.scene if window is not None else bpy.context.scene
    scene = next((scene for scene in bpy.data.scenes if scene.name == name and scene.library is None), None)
    if scene is None:
        raise Fault("SCENE_INVALID", f'the file has no scene "{name}"; it has {_names(bpy.data.scenes)}')
    return scene


def chosen_view_layer(scene, name):
    """The named one, else the first that is enabled: what Blender shows of a scene without a compositor."""
    if name is None:
        return next((layer for layer in scene.view_layers if layer.use), scene.view_layers[0])
    layer = scene.view_layers.get(name)
    if layer is None:
        raise Fault(
            "SCENE_INVALID", f'scene "{scene.name}" has no view layer "{name}"; it has {_names(scene.view_layers)}'
        )
    return layer


def own_camera_name(scene):
    """The camera that the file renders: its own, or the first that it binds to a marker; None without one."""
    if scene.camera is not None:
        return scene.camera.name
    bound = sorted((marker.frame, marker.camera.name) for marker in scene.timeline_markers if marker.camera is not None)
    return bound[0][1] if bound else None


def own_samples(scene, view_layer):
    if not hasattr(scene, "cycles"):
        return 0
    own, mode = view_layer.samples, scene.cycles.use_layer_samples
    if own == 0 or mode == "IGNORE":
        return scene.cycles.samples
    return min(own, scene.cycles.samples) if mode == "BOUNDED" else own


class OwnSettings:
    """What the file says of a scene, where a job may say otherwise: put back before each job's own settings."""

    def __init__(self, scene):
        self.scene = scene
        self.camera = scene.camera
        self.camera_name = own_camera_name(scene)
        self.markers = [(marker, marker.camera) for marker in scene.timeline_markers if marker.camera is not None]
        self.enabled = [layer for layer in scene.view_layers if layer.use]
        self.seed = scene.cycles.seed if hasattr(scene, "cycles") else 0

    def restore(self):
        self.scene.camera = self.camera
        for marker, camera in self.markers:
            marker.camera = camera
        for layer in self.scene.view_layers:
            layer.use = layer in self.enabled

    def choose_camera(self, name):
        """
        Cameras that the file binds to markers take turns unless another one than the file's own is asked for: a client
        that repeats what the file says changes nothing. Raises a Fault for one that the scene lacks.
        """
        if name is None or name == self.camera_name:
            return
        camera = self.scene.objects.get(name)
        if camera is None or camera.type != "CAMERA":
            cameras = [data for data in self.scene.objects if data.type == "CAMERA"]
            raise Fault("SCENE_INVALID", f'scene "{self.scene.name}" has no camera "{name}"; it has {_names(cameras)}')
        for marker, _ in self.markers:
            marker.camera = None
        self.scene.camera = camera


def set_up(scene, view_layer, settings, own_seed):
    _set_up_output(scene)
    _set_up_cycles(scene)
    render = scene.render
    render.resolution_x, render.resolution_y = settings["widthPx"], settings["heightPx"]
    render.resolution_percentage = 100
    scene.cycles.samples = settings["samples"]
    # The artist's own seed for the default of 0, so that the picture is the one that Blender makes.
    scene.cycles.seed = (own_seed + settings["seed"]) % SEED_END
    for layer in scene.view_layers:
        layer.use = layer == view_layer
    layers = settings["layers"]
    for holder in (view_layer, view_layer.cycles):
        for switch in [name for name in dir(holder) if name.startswith(("use_pass_", "pass_debug_"))]:
            setattr(holder, switch, False)
    view_layer.use_pass_combined = True
    for layer, switch in PASS_SWITCHES.items():
        setattr(view_layer, switch, layer in layers)
    view_layer.cycles.denoising_store_passes = "albedo" in layers


def set_region(scene, region, width_px, height_px):
    """
    Blender cuts `border * size` down to a whole pixel in float32, so an edge given exactly falls on the pixel before for
    some widths; an edge in the middle of the pixel never does. Its y axis points up.
    """
    render = scene.render
    render.border_min_x = _edge(region["x0"], width_px)
    render.border_max_x = _edge(region["x1"], width_px)
    render.border_min_y = _edge(height_px - region["y1"], height_px)
    render.border_max_y = _edge(height_px - region["y0"], height_px)


def _edge(pixel, size_px):
    if pixel in (0, size_px):
        return pixel / size_px
    return (pixel + 0.5) / size_px


def _set_up_output(scene):
    render = scene.render
    render.use_border = render.use_crop_to_border = True
    render.use_compositing = render.use_sequencer = render.use_stamp = False
    render.use_freestyle = render.use_multiview = render.use_single_layer = False
    render.use_file_extension = render.use_placeholder = False
    render.use_overwrite = render.use_persistent_data = True
    image = render.image_settings
    image.file_format = "OPEN_EXR_MULTILAYER"
    image.color_mode = "RGBA"
    image.color_depth = "32"
    image.exr_codec = "NONE"
    image.use_preview = False
    if hasattr(image, "color_management"):
        image.color_management = "FOLLOW_SCENE"


def _set_up_cycles(scene):
    wanted = {
        "device": "CPU",
        "use_adaptive_sampling": False,
        "use_denoising": False,
        # It learns from the pixels rendered before.
        "use_guiding": False,
        "time_limit": 0.0,
        "sample_offset": 0,
        # Else a view layer's own number of samples would be taken.
        "use_layer_samples": "IGNORE",
        # Cycles' own tiles would go through temporary files.
        "use_auto_tile": False,
        # What is outside of the tile would be divided more coarsely than what is inside.
        "offscreen_dicing_scale": 1.0,
    }
    for name, value in wanted.items():
        # Not every version has all of them.
        if hasattr(scene.cycles, name):
            setattr(scene.cycles, name, value)


def _names(items):
    return ", ".join(f'"{item.name}"' for item in items) or "none"
