"""
Says what is in a .blend file: how it wants to be rendered, every file that its pictures need, what the farm does otherwise,
and what stands in the way. One request as a JSON line on standard input, one answer on descriptor 3.
"""

import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.append(os.path.dirname(os.path.abspath(__file__)))

import bpy

from fault import Fault
from open_scene import bring_libraries, open_file, saved_with, settle_files
from package_paths import PackagePaths
from reached_data import reached_data
from render_setup import PASS_SWITCHES, chosen_scene, chosen_view_layer, own_camera_name, own_samples
from scene_faults import camera_fault, scene_faults, script_faults
from scene_files import file_uses, library_uses
from scene_notices import scene_notices
from scene_pictures import PictureLook
from scene_scripts import needed_scripts

FILES_MAX = 10_000
TEXTS_MAX = 1_000


def inspect(request):
    paths = PackagePaths(request["folder"], request.get("sourceRoot"))
    open_file(request["folder"], request["entry"], request["allowScripts"])
    bring_libraries(paths)
    scene = chosen_scene(request.get("scene"))
    reached = reached_data(scene)
    uses = [*library_uses(), *file_uses(scene, reached)]
    frames = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
    files, notices = files_of(uses, paths, frames, request["looksOutside"])
    # Outside paths are told above; here they would be read.
    settle_files(uses, paths, allow_missing=True)
    view_layer = chosen_view_layer(scene, None)
    pictures = PictureLook().damaged(uses, paths, frames)
    no_camera = camera_fault(scene)
    faults = [no_camera, *scene_faults(scene, reached), *script_faults(), *pictures]
    faults = [fault for fault in faults if fault is not None][:TEXTS_MAX]
    percentage = scene.render.resolution_percentage / 100
    return {
        "kind": "inspected",
        "savedWith": saved_with(),
        "frames": frames_text(scene),
        "fps": scene.render.fps / scene.render.fps_base,
        "widthPx": max(1, int(scene.render.resolution_x * percentage)),
        "heightPx": max(1, int(scene.render.resolution_y * percentage)),
        "samples": own_samples(scene, view_layer),
        "scene": scene.name,
        "scenes": names(scene for scene in bpy.data.scenes if scene.library is None),
        "camera": own_camera_name(scene) or "",
        "cameras": names(data for data in scene.objects if data.type == "CAMERA"),
        "viewLayers": names(sorted(scene.view_layers, key=lambda layer: (layer != view_layer, not layer.use))),
        "layers": enabled_layers(view_layer),
        "files": files,
        "notices": [*scene_notices(scene, view_layer), *notices][:TEXTS_MAX],
        "scripts": needed_scripts(scene, reached, request["allowScripts"])[:TEXTS_MAX],
        "problems": [fault.message for fault in faults],
        "problemCodes": ["CAMERA_MISSING" if fault is no_camera else "" for fault in faults],
    }


def names(items):
    return [item.name for item in items][:FILES_MAX]


def frames_text(scene):
    step = f"x{scene.frame_step}" if scene.frame_step > 1 else ""
    if scene.frame_end <= scene.frame_start:
        return str(scene.frame_start)
    return f"{scene.frame_start}-{scene.frame_end}{step}"


def enabled_layers(view_layer):
    layers = ["beauty"]
    if view_layer.cycles.denoising_store_passes or view_layer.use_pass_diffuse_color:
        layers.append("albedo")
    return layers + [layer for layer, switch in PASS_SWITCHES.items() if getattr(view_layer, switch)]


def files_of(uses, paths, frames, looks_outside):
    """Each file once, and notices of those that are missing and not needed. A node looks at nothing outside of the folder."""
    files, notices = {}, []
    for use in uses:
        expanded = expand(use, paths, frames, looks_outside) if use.raw else [""]
        for path in expanded:
            if path in files:
                continue
            file = described(use, path, paths)
            if use.needed or file["state"] == "found":
                files[path] = file
            elif len(notices) < TEXTS_MAX:
                notices.append(f"{use.what} ({use.raw}) is not there; no picture needs it")
            if len(files) > FILES_MAX:
                raise Fault("SCENE_UNSUPPORTED", f"the scene needs more than {FILES_MAX} files: pack some of them")
    return list(files.values()), notices


def expand(use, paths, frames, looks_outside):
    path = paths.absolute(use.raw, use.library)
    if not looks_outside and not paths.is_inside(path):
        return [path]
    expanded = [os.path.normpath(one) for one in use.expand(path, frames)]
    # Names that an expansion makes hold what the scene says, `..` too.
    return expanded if looks_outside else [one for one in expanded if paths.is_inside(one)] or [path]


def described(use, path, paths):
    if path and not paths.is_inside(path):
        return {"reference": path, "what": use.what, "state": "outside", "sizeBytes": 0}
    size = os.path.getsize(path) if path and os.path.isfile(path) else 0
    file = {"reference": use.raw, "what": use.what, "state": "found" if size > 0 else "missing", "sizeBytes": size}
    return {**file, "path": paths.relative(path)} if path else file


def main():
    out = os.fdopen(3, "w", encoding="utf-8")
    os.set_inheritable(3, False)
    try:
        answer = inspect(json.loads(sys.stdin.readline()))
    except Fault as fault:
        answer = {"kind": "failed", "code": fault.code, "message": fault.message}
    # Names in a file are bytes and may be no text.
    out.write(json.dumps(answer) + "\n")
    out.flush()
    os._exit(0)


main()
