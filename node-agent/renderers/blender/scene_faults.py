"""What stands in the way of a right picture of a scene, beside its files: each a Fault with the way out."""

import os
import sys

import bpy

from fault import Fault
from simulation_caches import simulations

FREE_ENGINES = {"BLENDER_EEVEE": "Eevee", "BLENDER_EEVEE_NEXT": "Eevee", "BLENDER_WORKBENCH": "Workbench"}


def scene_faults(scene, reached):
    """All of them, the most basic first."""
    return [
        *_engine_faults(scene),
        *_view_layer_faults(scene),
        *_simulation_faults(scene, reached),
        *_link_faults(reached),
        *_build_faults(reached),
        *_grease_pencil_faults(reached),
    ]


def camera_fault(scene):
    if scene.camera is not None or any(marker.camera is not None for marker in scene.timeline_markers):
        return None
    return Fault("SCENE_INVALID", f'scene "{scene.name}" has no camera: choose one in its properties, or name one')


def registered_scripts():
    """Text blocks that run when the file is opened, where scripts may run."""
    return sorted(text.name_full for text in bpy.data.texts if text.use_module)


def refuse_blocked_scripts():
    """Raises a Fault when Blender has refused to run a script or driver since the file was opened."""
    if bpy.app.autoexec_fail:
        what = bpy.app.autoexec_fail_message or "a script"
        raise Fault(
            "SCENE_NEEDS_SCRIPTS",
            f"the picture depends on {what}, which may not run: bake it into keyframes, or let the studio run scripts",
        )


def script_faults():
    """A registered text that raised when the file was opened: Blender prints it and goes on without what it sets up."""
    trace, error = sys.last_traceback, sys.last_value
    code = trace.tb_frame.f_code if trace is not None else None
    folder = f"{bpy.data.filepath}{os.sep}"
    # A driver that calls a function of a text begins elsewhere.
    if code is None or not code.co_filename.startswith(folder):
        return
    yield Fault(
        "SCENE_INVALID",
        f'the text "{code.co_filename[len(folder):]}" is registered to run when the file is opened and failed in line'
        f" {trace.tb_lineno} ({type(error).__name__}: {error}): mend it, or remove its Register mark",
    )


def refuse_failed_drivers(reached):
    """Raises a Fault for a driver that could not be computed at this frame: Blender leaves the value as it was."""
    for data in sorted(reached, key=lambda data: (type(data).__name__, data.name_full)):
        for curve in drivers_of(data):
            if not curve.driver.is_valid and not curve.mute:
                does = f": {curve.driver.expression}" if curve.driver.type == "SCRIPTED" else ""
                raise Fault(
                    "SCENE_INVALID",
                    f'the driver of {type(data).__name__.lower()} "{data.name}" ({curve.data_path}) cannot be'
                    f" computed{does}: mend, mute or delete it",
                )


def drivers_of(data):
    """Of a data-block and of the nodes that are part of it."""
    for owner in (data, getattr(data, "node_tree", None)):
        animation = getattr(owner, "animation_data", None)
        yield from animation.drivers if animation is not None else ()


def _engine_faults(scene):
    engine = scene.render.engine
    if engine == "CYCLES":
        return
    name = FREE_ENGINES.get(engine, engine)
    why = "needs a display and a GPU" if engine in FREE_ENGINES else "is not known here"
    yield Fault(
        "SCENE_UNSUPPORTED",
        f'scene "{scene.name}" renders with {name}, which {why}: choose Cycles as its render engine',
    )


def _view_layer_faults(scene):
    if not any(layer.use for layer in scene.view_layers):
        yield Fault("SCENE_INVALID", f'scene "{scene.name}" has no enabled view layer: use one for rendering')


def _simulation_faults(scene, reached):
    loose = [what for what, is_baked, _, _ in simulations(scene, reached) if not is_baked]
    if loose:
        more = f" and {len(loose) - 1} more" if len(loose) > 1 else ""
        yield Fault(
            "SCENE_UNSUPPORTED",
            f"the simulation of {loose[0]}{more} is not baked, so that frames cannot be rendered one by one:"
            " bake it and save the scene",
        )


def _link_faults(reached):
    """Data that a library no longer has: Blender puts an empty one in its place and only mentions it."""
    libraries = {data.library for data in reached if data.library is not None}
    for library in sorted(libraries, key=lambda library: library.name):
        path = bpy.path.abspath(library.filepath, library=library.parent)
        # A library that is not there at all is a missing file.
        if library.packed_file is not None or not os.path.isfile(path):
            continue
        try:
            with bpy.data.libraries.load(path, link=True) as (there, _):
                names = {kind: set(getattr(there, kind)) for kind in dir(there)}
        except OSError:
            yield Fault(
                "SCENE_INVALID",
                f'library "{library.name}" cannot be opened; it is damaged or cut short: save it again',
            )
            continue
        for kind, known in names.items():
            linked = (data for data in getattr(bpy.data, kind, ()) if data.library == library and data in reached)
            for name in sorted(data.name for data in linked if data.name not in known):
                yield Fault(
                    "SCENE_FILE_MISSING",
                    f'library "{library.name}" has nothing called "{name}" among its {kind}, which the scene links:'
                    " put the right version of the library into the package",
                )


def _build_faults(reached):
    options = bpy.app.build_options
    version = bpy.app.version_string
    for data in sorted(reached, key=lambda data: data.name_full):
        if isinstance(data, bpy.types.CacheFile):
            kind = "usd" if ".usd" in data.filepath.lower() else "alembic"
            if not getattr(options, kind, True):
                yield Fault(
                    "SCENE_UNSUPPORTED",
                    f'cache file "{data.name}" needs {kind}, which this build of Blender {version} lacks:'
                    " use a build that has it on the nodes",
                )
        tree = data if isinstance(data, bpy.types.NodeTree) else getattr(data, "node_tree", None)
        if tree is None or options.cycles_osl or isinstance(data, bpy.types.Scene):
            continue
        if any(node.bl_idname == "ShaderNodeScript" and not node.mute for node in tree.nodes):
            yield Fault(
                "SCENE_UNSUPPORTED",
                f'"{data.name}" has a script node in Open Shading Language, which this build of Blender {version}'
                " lacks: use a build that has it on the nodes",
            )


def _grease_pencil_faults(reached):
    for data in sorted(reached, key=lambda data: data.name_full):
        if isinstance(data, bpy.types.Object) and data.type in ("GPENCIL", "GREASEPENCIL") and not data.hide_render:
            yield Fault(
                "SCENE_UNSUPPORTED",
                f'"{data.name}" is a grease pencil object, which needs a GPU to be drawn: hide it from renders',
            )
            return
