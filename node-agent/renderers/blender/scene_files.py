"""
Every file that a scene's picture depends on, as `FileUse`s: who needs it, as the scene has it, how it is pointed elsewhere
and which files it stands for at given frames. Packed files are part of the scene file and no use of a file.
"""

import glob
import itertools
import os
import re

import bpy

from simulation_caches import cache_uses


#: In one folder, above what a package may hold: nobody waits for a walk through a disk.
FOLDER_FILES_MAX = 20_000


class FileUse:
    """
    `expand(path, frames)` gives the absolute paths that `path` stands for: several for sequences, UDIM tiles and folders.
    `assign(path)` points the scene there; None where the scene has no path of its own for it.
    """

    def __init__(self, what, raw, library, assign, expand=None, needed=True):
        self.what = what
        self.raw = raw
        self.library = library
        self.assign = assign
        self.expand = expand or (lambda path, frames: [path])
        #: False: the picture does not depend on it.
        self.needed = needed
        #: True: which files it is depends on the frame.
        self.is_animated = False
        #: `picture` or `movie`: every file of it is to be decoded as one.
        self.decoded_as = None


def library_uses():
    """Linked libraries, those of libraries among them."""
    return [
        FileUse(f'library "{library.name}"', library.filepath, library.parent, _setter(library, "filepath"))
        for library in bpy.data.libraries
        if library.packed_file is None
    ]


def file_uses(scene, reached):
    uses = []
    for data in sorted(reached, key=lambda data: (type(data).__name__, data.name_full)):
        if isinstance(data, bpy.types.Image):
            uses += _image_uses(data, reached)
        elif isinstance(data, bpy.types.VectorFont):
            if data.packed_file is None and data.filepath not in ("", "<builtin>"):
                uses.append(_path_use(data, "font"))
        elif isinstance(data, bpy.types.Sound):
            if data.packed_file is None:
                uses.append(_path_use(data, "sound", needed=False))
        elif isinstance(data, bpy.types.Volume):
            uses += _volume_uses(data)
        elif isinstance(data, bpy.types.CacheFile):
            use = _path_use(data, "cache file")
            if data.is_sequence:
                use.expand = lambda path, _frames: numbered_like(path)
            uses.append(use)
        elif isinstance(data, bpy.types.Object):
            uses += _modifier_uses(data)
        tree = data if isinstance(data, bpy.types.NodeTree) else getattr(data, "node_tree", None)
        if tree is not None and not isinstance(data, bpy.types.Scene):
            uses += _node_uses(tree, data)
    return uses + cache_uses(scene, reached, FileUse)


def image_users(reached):
    """`(image, image user)` of all that show an image: sequences take their frame from it."""
    pairs = []
    for data in reached:
        tree = data if isinstance(data, bpy.types.NodeTree) else getattr(data, "node_tree", None)
        for node in tree.nodes if tree is not None else ():
            if getattr(node, "image", None) is not None and hasattr(node, "image_user"):
                pairs.append((node.image, node.image_user))
        if isinstance(data, bpy.types.ImageTexture) and data.image is not None:
            pairs.append((data.image, data.image_user))
    return pairs


def sequence_number(user, frame):
    """Number in the file name at `frame`, as Blender counts it for an image user."""
    if not user.use_auto_refresh:
        return user.frame_current
    length = user.frame_duration
    if length == 0:
        return 0
    number = frame - user.frame_start + 1
    if user.use_cyclic:
        number = number % length or length
    return max(0, min(number, length)) + user.frame_offset


def numbered(path, number):
    """`path` with the last number of its name replaced, as many digits wide; None when its name has none."""
    folder, name = os.path.split(path)
    stem, extension = os.path.splitext(name)
    match = re.match(r"^(.*?)(\d+)(\D*)$", stem)
    if match is None:
        return None
    head, digits, tail = match.groups()
    return os.path.join(folder, f"{head}{number:0{len(digits)}d}{tail}{extension}")


def numbered_like(path):
    """All files there that differ from `path` in their number alone; `path` itself when there are none."""
    folder, name = os.path.split(path)
    stem, extension = os.path.splitext(name)
    match = re.match(r"^(.*?)(\d+)(\D*)$", stem)
    if match is None or not os.path.isdir(folder):
        return [path]
    pattern = re.compile(re.escape(match[1]) + r"\d+" + re.escape(match[3] + extension))
    return sorted(os.path.join(folder, other) for other in os.listdir(folder) if pattern.fullmatch(other)) or [path]


def _setter(data, attribute):
    return lambda path: setattr(data, attribute, path)


def _path_use(data, kind, needed=True):
    return FileUse(
        f'{kind} "{data.name}"', data.filepath, data.library, _setter(data, "filepath"), needed=needed
    )


def _image_uses(image, reached):
    if image.source not in ("FILE", "SEQUENCE", "MOVIE", "TILED") or len(image.packed_files) > 0:
        return []
    use = _path_use(image, "image")
    use.decoded_as = "movie" if image.source == "MOVIE" else "picture"
    if image.source == "SEQUENCE":
        users = [user for shown, user in image_users(reached) if shown == image]
        use.what = f'image sequence "{image.name}"'
        use.is_animated = True

        def expand(path, frames):
            if not users:
                # Geometry nodes choose the frame themselves.
                return numbered_like(path)
            numbers = {sequence_number(user, frame) for user in users for frame in frames}
            return [numbered(path, number) or path for number in sorted(numbers)]

        use.expand = expand
    elif image.source == "MOVIE":
        use.what = f'movie "{image.name}"'
    elif image.source == "TILED":
        use.what = f'UDIM image "{image.name}"'
        tiles = sorted(tile.number for tile in image.tiles)
        use.expand = lambda path, frames: [_tile_path(path, tile) for tile in tiles]
    return [use]


def _tile_path(path, tile):
    u, v = (tile - 1001) % 10 + 1, (tile - 1001) // 10 + 1
    return path.replace("<UDIM>", str(tile)).replace("<UVTILE>", f"u{u}_v{v}")


def _volume_uses(volume):
    if volume.packed_file is not None:
        return []
    use = _path_use(volume, "volume")
    if volume.is_sequence:
        use.is_animated = True

        def expand(path, frames):
            numbers = {_volume_number(volume, frame) for frame in frames} - {None}
            return [numbered(path, number) or path for number in sorted(numbers)]

        use.expand = expand
    return [use]


def _volume_number(volume, frame):
    """None: nothing is shown at that frame."""
    index = frame - volume.frame_start
    last = volume.frame_duration - 1
    mode = volume.sequence_mode
    if last < 0 or (mode == "CLIP" and not 0 <= index <= last):
        return None
    if mode == "REPEAT":
        index %= last + 1
    elif mode == "PING_PONG":
        index %= max(1, 2 * last)
        index = index if index <= last else 2 * last - index
    else:
        index = max(0, min(index, last))
    return index + volume.frame_offset + 1


def _modifier_uses(owner):
    uses = []
    for modifier in owner.modifiers:
        if not modifier.show_render:
            continue
        what = f'modifier "{modifier.name}" of "{owner.name}"'
        if modifier.type == "MESH_CACHE":
            uses.append(FileUse(f"mesh cache, {what}", modifier.filepath, owner.library, _setter(modifier, "filepath")))
        elif modifier.type == "OCEAN" and modifier.is_cached:
            uses.append(
                FileUse(f"ocean bake, {what}", modifier.filepath, owner.library, _setter(modifier, "filepath"), files_in)
            )
    return uses


def files_in(folder, _frames):
    """All files below a folder; the folder itself when it has none, so that it is reported as missing."""
    below = glob.iglob(os.path.join(glob.escape(folder), "**"), recursive=True)
    found = itertools.islice((path for path in below if os.path.isfile(path)), FOLDER_FILES_MAX)
    return sorted(found) or [folder]


def _node_uses(tree, owner):
    uses = []
    for node in tree.nodes:
        is_file = getattr(node, "mode", "") == "EXTERNAL"
        if is_file and node.bl_idname in ("ShaderNodeTexIES", "ShaderNodeScript"):
            what = f'node "{node.name}" of "{owner.name}"'
            uses.append(FileUse(what, node.filepath, owner.library, _setter(node, "filepath")))
    return uses
