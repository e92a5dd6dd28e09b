"""
Pictures that are there and cannot be decoded: Cycles shows them in magenta, the missing rows of a JPEG in grey, and says
nothing. Each file is decoded once while it does not change.
"""

import os
import struct

import bpy
import imbuf

from fault import Fault

#: Enough for any shot's pictures, and a bound for the time that it takes.
DECODED_BYTES_MAX = 2**31
#: Of one sequence in one look, spread evenly, its ends among them.
SEQUENCE_PICTURES_MAX = 8
JPEG = b"\xff\xd8\xff"
JPEG_SCAN = 0xDA
JPEG_END = b"\xff\xd9"
EXR = b"\x76\x2f\x31\x01"
EXR_HEADER_BYTES_MAX = 2**20


class PictureLook:
    """What has been seen of pictures so far."""

    def __init__(self):
        self.bytes_left = DECODED_BYTES_MAX
        #: `(path, size, time)` to whether it is whole.
        self.seen = {}

    def damaged(self, uses, paths, frames):
        """A Fault for every damaged file that a picture stands for at `frames`; those that are missing are told elsewhere."""
        for use in uses:
            if use.decoded_as is None or not use.raw:
                continue
            files = use.expand(paths.absolute(use.raw, use.library), frames)
            for path in _spread(files) if use.is_animated else files:
                if not paths.is_inside(path) or self._is_whole(path, use.decoded_as):
                    continue
                yield Fault(
                    "SCENE_INVALID",
                    f"{use.what} needs {paths.relative(path)}, which cannot be read as a {use.decoded_as}: save it again",
                )

    def _is_whole(self, path, decoded_as):
        """True also of what is not looked at: no file, an empty one, or above the bound."""
        try:
            state = os.stat(path)
        except OSError:
            return True
        key = (path, state.st_size, state.st_mtime_ns)
        if key not in self.seen:
            if not os.path.isfile(path) or not 0 < state.st_size <= self.bytes_left:
                return True
            self.bytes_left -= state.st_size
            self.seen[key] = _has_first_frame(path) if decoded_as == "movie" else _can_be_decoded(path)
        return self.seen[key]


def _spread(files):
    last = len(files) - 1
    if last < SEQUENCE_PICTURES_MAX:
        return files
    steps = SEQUENCE_PICTURES_MAX - 1
    return [files[step * last // steps] for step in range(steps + 1)]


def _has_first_frame(movie):
    image = bpy.data.images.load(movie)
    size = image.size[:]
    bpy.data.images.remove(image)
    return 0 not in size


def _can_be_decoded(path):
    with open(path, "rb") as file:
        head = file.read(len(EXR))
        if head.startswith(JPEG):
            file.seek(0)
            if not _has_jpeg_end(file.read()):
                return False
        # Blender decodes these for an image alone, Cycles reads them itself.
        if head == EXR and _has_exr_layers(head + file.read(EXR_HEADER_BYTES_MAX)):
            return True
    try:
        picture = imbuf.load(path)
    except (ValueError, OSError):
        return False
    is_whole = 0 not in picture.size[:]
    picture.free()
    return is_whole


def _has_jpeg_end(data):
    """The end mark follows the first scan: a thumbnail in the header has marks of its own (ITU-T T.81, annex B)."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        kind = data[at + 1]
        if kind == JPEG_SCAN:
            return data.rfind(JPEG_END) > at
        # Fill bytes before a mark.
        at += 1 if kind == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return False


def _has_exr_layers(header):
    """Channels of layers are called `layer.channel`; each name is followed by 16 bytes (OpenEXR file layout)."""
    name = b"channels\0chlist\0"
    at = header.find(name) + len(name)
    if at < len(name) or at + 4 > len(header):
        return False
    (length,) = struct.unpack_from("<i", header, at)
    channels = header[at + 4 : at + 4 + max(0, length)]
    at = 0
    while at < len(channels) and channels[at] != 0:
        end = channels.find(b"\0", at)
        if end < 0:
            return False
        if b"." in channels[at:end]:
            return True
        at = end + 17
    return False
