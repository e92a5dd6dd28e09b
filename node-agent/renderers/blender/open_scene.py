"""
Opens a .blend file so that whatever is wrong with it is recognised and named: damaged files, files of a newer Blender,
libraries and other files that are missing or lie outside of the package.
"""

import gzip
import os
import re
import sys

import bpy

from fault import Fault
from scene_files import library_uses

ZSTANDARD = b"\x28\xb5\x2f\xfd"
GZIP = b"\x1f\x8b"
#: Libraries of libraries of libraries: nobody has more, and a circle ends.
LIBRARY_ROUNDS_MAX = 16


def open_file(folder, entry, allow_scripts):
    """Raises a Fault; afterwards the scene file is what `bpy.data` holds."""
    path = os.path.join(folder, entry)
    name = os.path.basename(path)
    refuse_newer(_version_in_header(path), name)
    # What a text of the file before raised: `script_faults` looks at it.
    sys.last_value = sys.last_traceback = None
    try:
        bpy.ops.wm.open_mainfile(filepath=path, load_ui=False, use_scripts=allow_scripts)
    except RuntimeError as error:
        # It may be a library that cannot be read: paths tell which, and a studio knows those of its package.
        reason = str(error).replace("Error: ", "").replace(f"{folder}/", "").strip()
        raise Fault(
            "SCENE_INVALID",
            f"Blender {bpy.app.version_string} cannot open {name}: {reason}; it is damaged or cut short: save it again",
        ) from error
    if os.path.realpath(bpy.data.filepath) != os.path.realpath(path):
        raise Fault("SCENE_INVALID", f"Blender kept another file open instead of {name}: save the scene again")
    refuse_newer(bpy.data.version[:2], name)


def saved_with():
    """The file's format says major and minor version, no more."""
    major, minor = bpy.data.version[:2]
    return f"{major}.{minor}"


def refuse_newer(version, name):
    if version is not None and tuple(version) > tuple(bpy.app.version[:2]):
        raise Fault(
            "SCENE_UNSUPPORTED",
            f"{name} was saved with Blender {version[0]}.{version[1]}, newer than the {bpy.app.version_string} that"
            " opens it and would lose parts of it: install that version on the nodes or save it for the older one",
        )


def _version_in_header(path):
    """None where the file's compression hides it. Raises a Fault for what is no .blend file."""
    name = os.path.basename(path)
    try:
        with open(path, "rb") as file:
            head = file.read(17)
        if head.startswith(GZIP):
            with gzip.open(path) as file:
                head = file.read(17)
    except FileNotFoundError as error:
        raise Fault("SCENE_FILE_MISSING", f"there is no {name}") from error
    except (OSError, EOFError) as error:
        raise Fault("SCENE_INVALID", f"{name} cannot be read ({error}): save it again") from error
    if len(head) == 0:
        raise Fault("SCENE_INVALID", f"{name} is empty: save it again")
    if head.startswith(ZSTANDARD):
        return None
    if not head.startswith(b"BLENDER"):
        raise Fault("SCENE_INVALID", f"{name} is no .blend file: it does not start as one")
    # `BLENDER-v304`; since Blender 5 `BLENDER17-01v0500`.
    match = re.match(rb"^BLENDER(?:[-_][vV](\d)(\d\d)|\d\d-\d\dv(\d\d)(\d\d))", head)
    if match is None:
        raise Fault("SCENE_INVALID", f"{name} has a damaged header: save it again")
    major, minor = [int(group) for group in match.groups() if group is not None]
    return major, minor


def bring_libraries(paths):
    """
    Points libraries into the package and loads them; each may name others. Those that are not there stay missing. Raises a
    Fault for one of a newer Blender.
    """
    for _ in range(LIBRARY_ROUNDS_MAX):
        moved = [use for use in library_uses() if _has_moved(use, paths)]
        if not moved:
            break
        # One at a time: a reload makes the others' data-blocks anew.
        use = moved[0]
        use.assign(paths.absolute(use.raw, use.library))
        library = next(library for library in bpy.data.libraries if f'library "{library.name}"' == use.what)
        library.reload()
    for library in bpy.data.libraries:
        refuse_newer(tuple(getattr(library, "version", ()))[:2], library.name)


def _has_moved(use, paths):
    path = paths.absolute(use.raw, use.library)
    as_blender = os.path.normpath(bpy.path.abspath(use.raw, library=use.library))
    return path != as_blender and paths.is_inside(path) and os.path.isfile(path)


def settle_files(uses, paths, allow_missing):
    """Points every use into the package. Raises a Fault for one that is needed and lies outside."""
    for use in uses:
        path = paths.absolute(use.raw, use.library)
        if not paths.is_inside(path) and use.needed:
            if not allow_missing:
                raise Fault(
                    "SCENE_PATH_ESCAPES",
                    f"{use.what} is {use.raw}, outside of the scene package: put the file below the scene's folder"
                    " or make the package from a folder that holds both",
                )
            path = paths.nowhere(path)
        if use.assign is not None and path != os.path.normpath(bpy.path.abspath(use.raw, library=use.library)):
            use.assign(path)
            use.raw = path


def missing_files(uses, paths, frames):
    """`(use, path)` of every file that is needed at `frames` and not there, or there without a byte in it."""
    missing = []
    for use in uses:
        if not use.needed:
            continue
        for path in use.expand(paths.absolute(use.raw, use.library), frames):
            if not os.path.isfile(path) or os.path.getsize(path) == 0:
                missing.append((use, path))
    return missing


def refuse_missing(uses, paths, frames):
    missing = missing_files(uses, paths, frames)
    if not missing:
        return
    use, path = missing[0]
    relative = paths.relative(path) if use.raw else "no file"
    more = f", and {len(missing) - 1} more files" if len(missing) > 1 else ""
    state = "is empty" if os.path.isfile(path) else "is not in the scene package"
    raise Fault(
        "SCENE_FILE_MISSING",
        f"{use.what} needs {relative}, which {state}{more}: add the file, or allow missing files",
    )
