"""
Holds Embree, which finds the surfaces that Cycles' rays meet, to one instruction set: by itself it takes the best of the
processor, and AVX2 and AVX-512 differ in the last bits of a tenth of a picture's pixels (measured). It has no variable or
file for that, only the text that its user makes a device with, so that call is led through here. Where Blender has Embree
inside itself, or this is no x86-64 Linux, nothing is done: the digest in the version tells such nodes apart.
"""

import ctypes
import mmap
import os
import struct
import sys

#: By kernel: the one that goes with it.
ISA = {"x86-64-v2": "sse4.2", "x86-64-v3": "avx2"}
ENTRY = b"rtcNewDevice"
DYNAMIC, LOAD = 2, 1
TAG_STRINGS, TAG_SYMBOLS, TAG_RELOCATIONS, TAG_RELOCATION_BYTES = 5, 6, 7, 8
TAG_CALLS, TAG_CALL_BYTES = 23, 2
DATA_SLOT, CALL_SLOT = 6, 7
READ_WRITE = 3

#: What was put in Embree's place must outlive this module's functions.
_kept = []


def is_embree_held():
    return len(_kept) > 0


def hold_embree(kernel):
    """Returns whether it was done. Call it before the first render; once is enough."""
    if _kept:
        return True
    isa = ISA.get(kernel)
    if isa is None or sys.platform != "linux" or os.uname().machine != "x86_64":
        return False
    try:
        real = ctypes.cast(getattr(ctypes.CDLL(None), ENTRY.decode()), ctypes.c_void_p).value
    except AttributeError:
        return False
    try:
        slots = list(_slots("/proc/self/exe"))
    except (OSError, ValueError, KeyError, RuntimeError, StopIteration, struct.error):
        # A file of another make. It renders as well, under a digest of its own.
        return False
    if not slots:
        return False
    call = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_char_p)
    new_device = call(real)

    def held(options):
        return new_device(b",".join(filter(None, (options, b"isa=" + isa.encode()))))

    entry = call(held)
    if not all([_write(address, ctypes.cast(entry, ctypes.c_void_p).value) for address in slots]):
        return False
    _kept.append(entry)
    return True


def _slots(path):
    """Addresses at which the running program holds Embree's entry, as its file says (ELF gABI, dynamic linking)."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        headers_at, size, count = struct.unpack_from("<Q14xHH", data, 32)
        headers = [struct.unpack_from("<II6Q", data, headers_at + index * size) for index in range(count)]
        loads = [(address, length, offset) for kind, _, offset, address, _, length, _, _ in headers if kind == LOAD]

        def at(address):
            return next(address - start + offset for start, length, offset in loads if start <= address < start + length)

        _, _, offset, _, _, length, _, _ = next(header for header in headers if header[0] == DYNAMIC)
        tags = dict(struct.iter_unpack("<QQ", data[offset : offset + length]))
        strings, symbols = at(tags[TAG_STRINGS]), at(tags[TAG_SYMBOLS])
        base = _base(os.path.realpath(path)) - min(start for start, _, _ in loads)
        for first, length in ((TAG_CALLS, TAG_CALL_BYTES), (TAG_RELOCATIONS, TAG_RELOCATION_BYTES)):
            if first not in tags:
                continue
            begin = at(tags[first])
            for place, info, _ in struct.iter_unpack("<QQq", data[begin : begin + tags[length]]):
                if info & 0xFFFFFFFF not in (DATA_SLOT, CALL_SLOT):
                    continue
                name = strings + struct.unpack_from("<I", data, symbols + 24 * (info >> 32))[0]
                if data[name : name + len(ENTRY) + 1] == ENTRY + b"\0":
                    yield base + place


def _base(path):
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return min(int(line.split("-")[0], 16) for line in maps if line.rstrip("\n").endswith(path))


def _write(address, value):
    """Returns whether it could be done: slots may be read-only once the program has started."""
    page = address & -mmap.PAGESIZE
    if ctypes.CDLL(None).mprotect(ctypes.c_void_p(page), ctypes.c_size_t(mmap.PAGESIZE), READ_WRITE) != 0:
        return False
    ctypes.c_uint64.from_address(address).value = value
    return True
