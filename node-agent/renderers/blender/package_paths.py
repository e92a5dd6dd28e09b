"""
Where a path of the scene lies in the package. A scene names files relative to itself (`//tex/a.png`), relative to the
library that it was linked from, or as they were on the studio's disk; below the package's former root the latter are
found in the package, and whatever else lies outside is never read.
"""

import os
import re

import bpy

#: Where paths are sent that may not be read: nothing is there.
NOWHERE = ".guian-outside"


class PackagePaths:
    def __init__(self, folder, source_root=None):
        self.folder = os.path.normpath(folder)
        self.source_root = _plain(source_root).rstrip("/") if source_root else None

    def absolute(self, raw, library=None):
        """As Blender would open it, with former absolute paths turned into those of the package."""
        path = _plain(bpy.path.abspath(raw, library=library))
        if not re.match(r"^([A-Za-z]:)?/", path):
            # Blender takes it from its working folder, which says nothing: it is meant beside the scene.
            path = os.path.join(os.path.dirname(bpy.data.filepath), path)
        path = os.path.normpath(path)
        root = self.source_root
        if root and not self.is_inside(path) and _is_below(path, root):
            return os.path.normpath(self.folder + path[len(root):])
        return path

    def is_inside(self, path):
        return _is_below(path, self.folder)

    def relative(self, path):
        """Of a path inside: as the package's manifest has it."""
        return os.path.relpath(path, self.folder).replace(os.sep, "/")

    def nowhere(self, path):
        return os.path.join(self.folder, NOWHERE, os.path.basename(path) or "file")


def _plain(path):
    return path.replace("\\", "/")


def _is_below(path, folder):
    if re.match(r"^[A-Za-z]:", folder):
        path, folder = path.lower(), folder.lower()
    return path == folder or path.startswith(folder.rstrip("/") + "/")
