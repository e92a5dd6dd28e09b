"""What Cycles computes with, as the version of the job says: one kernel of the processor, or a GPU of one kind."""

import os

import bpy

from embree_isa import hold_embree, is_embree_held

GPU_TYPES = ("OPTIX", "CUDA", "HIP", "ONEAPI", "METAL")


def gpu_names():
    """`[{type, name}]` of each GPU that this Blender can use, once for each kind of code that it can run."""
    preferences = _preferences()
    found = []
    for kind in GPU_TYPES:
        try:
            devices = preferences.get_devices_for_type(kind)
        except (TypeError, ValueError):
            # A kind that this build knows nothing of.
            continue
        found += [{"type": kind.lower(), "name": device.name} for device in devices if device.type == kind]
    return found


def use_compute_device(scene):
    """Raises a RuntimeError for a GPU that is not there: Cycles would go on with the processor, whose pixels are others."""
    kind = os.environ.get("GUIAN_GPU")
    if kind is None:
        hold_embree(os.environ.get("GUIAN_KERNEL"))
        return
    preferences = _preferences()
    devices = [device for device in preferences.get_devices_for_type(kind) if device.type == kind]
    if not devices:
        raise RuntimeError(f"this node has no {kind} device any more: look at its driver")
    preferences.compute_device_type = kind
    # Slots take turns with the devices; one picture is never split between two.
    mine = devices[int(os.environ.get("GUIAN_SLOT", "0")) % len(devices)]
    for device in preferences.devices:
        device.use = device.id == mine.id and device.type == kind
    scene.cycles.device = "GPU"


def _preferences():
    return bpy.context.preferences.addons["cycles"].preferences
