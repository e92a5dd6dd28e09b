"""Scripts and drivers that a scene needs and that run only where they may."""

import bpy

from scene_faults import drivers_of, registered_scripts


def needed_scripts(scene, reached, allow_scripts):
    """One line each. Without permission drivers are named only when Blender has indeed refused one."""
    texts = [f'text "{name}", registered to run when the file is opened' for name in registered_scripts()]
    drivers = complex_drivers(reached)
    if not drivers:
        return texts
    if not allow_scripts:
        # Registered texts have set the flag already.
        is_refused = bool(texts)
        # A driver is refused when it is evaluated.
        scene.frame_set(scene.frame_current)
        if not is_refused and not bpy.app.autoexec_fail:
            return texts
    return texts + drivers


def complex_drivers(reached):
    """Drivers that are Python and not plain arithmetic."""
    lines = []
    for data in sorted(reached, key=lambda data: (type(data).__name__, data.name_full)):
        for curve in drivers_of(data):
            driver = curve.driver
            if driver.type == "SCRIPTED" and not driver.is_simple_expression and not curve.mute:
                kind = type(data).__name__.lower()
                lines.append(f'driver of {kind} "{data.name}" ({curve.data_path}): {driver.expression}'[:1000])
    return lines
