"""
Which data a scene's picture depends on. A .blend file keeps far more than it renders: brushes, unused pictures, reference
pictures behind the camera, strips of the sequencer. Files that only such data names may be absent.
"""

import bpy


def reached_data(scene):
    """All data-blocks that the picture of `scene` can depend on, itself among them."""
    uses = {}
    for used, users in bpy.data.user_map().items():
        for user in users:
            uses.setdefault(user, set()).add(used)
    reached = {scene}
    todo = [scene]
    while todo:
        user = todo.pop()
        for used in uses.get(user, ()):
            if used not in reached and _is_drawn(user, used):
                reached.add(used)
                todo.append(used)
    return reached


def _is_drawn(user, used):
    """Not through these: the compositor and the sequencer do not run on tiles, guides behind a camera are not rendered."""
    types = bpy.types
    if isinstance(user, types.Scene):
        if isinstance(used, (types.Image, types.MovieClip, types.Sound, types.Mask)):
            return False
        if isinstance(used, types.NodeTree) and used.bl_idname == "CompositorNodeTree":
            return False
        return True
    if isinstance(user, types.Camera):
        return not isinstance(used, (types.Image, types.MovieClip))
    if isinstance(user, types.Object):
        return not (isinstance(used, types.Image) and user.type == "EMPTY")
    return True
