"""
A Blender that renders tiles: JSON lines in on standard input, JSON lines out on descriptor 3, which nothing else in
Blender writes to. It keeps one scene file open, so that a tile costs little more than its samples, and ends when its
standard input does. Every request is answered by one line; `failed` ones say a code and why.
"""

import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.append(os.path.dirname(os.path.abspath(__file__)))

import bpy

from compute_device import use_compute_device
from fault import Fault
from open_scene import bring_libraries, open_file, refuse_missing, settle_files
from package_paths import PackagePaths
from reached_data import reached_data
from render_setup import OwnSettings, chosen_scene, chosen_view_layer, set_region, set_up
from scene_faults import (
    camera_fault,
    refuse_blocked_scripts,
    refuse_failed_drivers,
    registered_scripts,
    scene_faults,
    script_faults,
)
from scene_files import file_uses, library_uses
from scene_pictures import PictureLook


class OpenFile:
    """The file that this process has open, and the scene of it that is set up."""

    def __init__(self, request):
        self.paths = PackagePaths(request["folder"], request.get("sourceRoot"))
        self.allow_scripts = request["allowScripts"]
        self.allow_missing = request["allowMissing"]
        open_file(request["folder"], request["entry"], self.allow_scripts)
        if not self.allow_scripts and registered_scripts():
            raise Fault(
                "SCENE_NEEDS_SCRIPTS",
                f'the text "{registered_scripts()[0]}" is registered to run when the file is opened, and scripts may'
                " not run: remove its Register mark, or let the studio run scripts",
            )
        for fault in script_faults():
            raise fault
        bring_libraries(self.paths)
        self.pictures = PictureLook()
        self.own_scene = chosen_scene(None).name
        self.own = {scene.name: OwnSettings(scene) for scene in bpy.data.scenes if scene.library is None}
        #: As JSON, of the tile before.
        self.settings = None
        self.scene = None
        self.view_layer = None
        self.animated_uses = []
        self.reached = set()
        self.frame = None

    def use_settings(self, settings):
        """Looks the scene over and sets it up; does nothing when the tile before had the same settings."""
        text = json.dumps(settings, sort_keys=True)
        if text == self.settings:
            return
        self.settings = None
        self.frame = None
        scene = chosen_scene(settings.get("scene") or self.own_scene)
        own = self.own[scene.name]
        own.restore()
        own.choose_camera(settings.get("camera"))
        reached = reached_data(scene)
        uses = [*library_uses(), *file_uses(scene, reached)]
        settle_files(uses, self.paths, self.allow_missing)
        still = [use for use in uses if not use.is_animated]
        if not self.allow_missing:
            refuse_missing(still, self.paths, ())
            self.refuse_damaged(still, ())
        faults = [camera_fault(scene), *scene_faults(scene, reached)]
        for fault in faults:
            if fault is not None and not (self.allow_missing and fault.code == "SCENE_FILE_MISSING"):
                raise fault
        view_layer = chosen_view_layer(scene, settings.get("viewLayer"))
        set_up(scene, view_layer, settings, own.seed)
        use_compute_device(scene)
        if bpy.context.window is not None:
            bpy.context.window.scene = scene
        self.animated_uses = [use for use in uses if use.is_animated]
        self.reached = reached
        self.scene, self.view_layer, self.settings = scene, view_layer, text

    def use_frame(self, frame):
        if frame == self.frame:
            return
        self.frame = None
        if not self.allow_missing:
            refuse_missing(self.animated_uses, self.paths, (frame,))
            self.refuse_damaged(self.animated_uses, (frame,))
        self.scene.frame_set(frame)
        self.refuse_blocked()
        self.frame = frame

    def refuse_damaged(self, uses, frames):
        for fault in self.pictures.damaged(uses, self.paths, frames):
            raise fault

    def refuse_blocked(self):
        if self.allow_scripts:
            refuse_failed_drivers(self.reached)
        else:
            refuse_blocked_scripts()

    def render(self, request):
        settings, out = request["settings"], request["out"]
        self.use_settings(settings)
        self.use_frame(request["frame"])
        scene = self.scene
        set_region(scene, request["region"], settings["widthPx"], settings["heightPx"])
        scene.render.filepath = out
        # With persistent data Cycles does not look at changes of its own settings otherwise.
        scene.update_tag()
        result = bpy.ops.render.render(write_still=True, scene=scene.name)
        # Drivers of what only renders show.
        self.refuse_blocked()
        if result != {"FINISHED"} or not os.path.isfile(out):
            raise Fault("RENDER_FAILED", "Blender says that it is finished and has written no picture")
        return {"kind": "rendered", "viewLayer": self.view_layer.name}


def answer_of(request, state):
    if request["kind"] == "open":
        state["file"] = OpenFile(request)
        return {"kind": "opened"}
    return state["file"].render(request)


def main():
    out = os.fdopen(3, "w", encoding="utf-8")
    # Children that a script of the scene may start have no business with it.
    os.set_inheritable(3, False)
    state = {}

    def send(message):
        out.write(json.dumps(message) + "\n")
        out.flush()

    send({"kind": "ready", "version": bpy.app.version_string})
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        try:
            answer = answer_of(request, state)
        except Fault as fault:
            answer = {"kind": "failed", "code": fault.code, "message": fault.message}
        except MemoryError:
            answer = {"kind": "failed", "code": "TILE_MEMORY_LIMIT", "message": "Blender ran out of memory"}
        except Exception as error:  # Whatever a scene can make Blender raise is this request's failure.
            text = " ".join(str(error).replace("Error: ", "").split())
            code = "TILE_MEMORY_LIMIT" if is_memory_text(text) else "RENDER_FAILED"
            answer = {"kind": "failed", "code": code, "message": f"Blender failed: {text or type(error).__name__}"}
        send({**answer, "id": request["id"]})
    # Nothing is worth the time that taking a scene apart takes.
    os._exit(0)


def is_memory_text(text):
    return any(words in text.lower() for words in ("out of memory", "bad_alloc", "cannot allocate memory"))


main()
