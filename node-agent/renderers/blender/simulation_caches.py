"""
Simulations and their caches. One that is not baked depends on which frames were computed before, so that two nodes would
make two pictures of one frame; a bake on disk is files of the package.
"""

import glob
import os

import bpy


def simulations(scene, reached):
    """`(what, is_baked, owner, point cache or None)` of everything that is simulated in a picture of `scene`."""
    found = []
    world = scene.rigidbody_world
    if world is not None and world.enabled and world.collection is not None and _has_active_bodies(world):
        found.append(("rigid bodies", world.point_cache.is_baked, scene, world.point_cache))
    for owner in _objects(reached):
        for modifier in owner.modifiers:
            if modifier.show_render:
                found += _modifier_simulations(owner, modifier)
        for system in owner.particle_systems:
            if _has_history(system):
                what = f'particles "{system.name}" of "{owner.name}"'
                found.append((what, system.point_cache.is_baked, owner, system.point_cache))
    return found


def cache_uses(scene, reached, file_use):
    """Uses of the files of baked caches."""
    uses = []
    for what, is_baked, owner, cache in simulations(scene, reached):
        if is_baked and cache is not None and (cache.use_disk_cache or cache.use_external):
            uses.append(_disk_cache_use(what, owner, cache, file_use))
    for owner in _objects(reached):
        for modifier in owner.modifiers:
            domain = getattr(modifier, "domain_settings", None) if modifier.type == "FLUID" else None
            if domain is not None and modifier.show_render and domain.has_cache_baked_any:
                uses.append(_folder_use(f'fluid cache of "{owner.name}"', owner, domain, "cache_directory", file_use))
            directory = getattr(modifier, "simulation_bake_directory", getattr(modifier, "bake_directory", ""))
            if modifier.type == "NODES" and directory:
                uses.append(_folder_use(f'bake of geometry nodes of "{owner.name}"', owner, modifier, None, file_use))
    return uses


def _has_active_bodies(world):
    """Passive ones and those that keyframes move go where they go without a simulation."""
    bodies = [data.rigid_body for data in world.collection.objects if data.rigid_body is not None]
    return any(body.type == "ACTIVE" and body.enabled and not body.kinematic for body in bodies)


def _objects(reached):
    objects = [data for data in reached if isinstance(data, bpy.types.Object) and not data.hide_render]
    return sorted(objects, key=lambda data: data.name_full)


def _modifier_simulations(owner, modifier):
    what = f'"{modifier.name}" of "{owner.name}"'
    if modifier.type in ("CLOTH", "SOFT_BODY"):
        kind = "cloth" if modifier.type == "CLOTH" else "soft body"
        return [(f"{kind} {what}", modifier.point_cache.is_baked, owner, modifier.point_cache)]
    if modifier.type == "DYNAMIC_PAINT" and modifier.canvas_settings is not None:
        surfaces = [surface for surface in modifier.canvas_settings.canvas_surfaces if surface.is_active]
        return [
            (f'dynamic paint "{surface.name}" of {what}', surface.point_cache.is_baked, owner, surface.point_cache)
            for surface in surfaces
            # A picture sequence is made by baking and read back as ordinary textures.
            if surface.surface_format != "IMAGE"
        ]
    if modifier.type == "FLUID" and modifier.fluid_type == "DOMAIN":
        domain = modifier.domain_settings
        return [(f"fluid {what}", bool(domain.has_cache_baked_any), owner, None)]
    if modifier.type == "NODES" and _has_simulation_zone(modifier.node_group):
        directory = getattr(modifier, "simulation_bake_directory", getattr(modifier, "bake_directory", ""))
        return [(f"simulation zone {what}", bool(directory), owner, None)]
    return []


def _has_simulation_zone(tree, depth=0):
    if tree is None or depth > 32:
        return False
    return any(
        node.bl_idname == "GeometryNodeSimulationOutput"
        or (node.bl_idname == "GeometryNodeGroup" and _has_simulation_zone(node.node_tree, depth + 1))
        for node in tree.nodes
    )


def _has_history(system):
    """Emitted particles and hair that moves; combed hair does not change with the frames before."""
    if system.settings.type == "EMITTER":
        return system.settings.count > 0
    return system.use_hair_dynamics


def _disk_cache_use(what, owner, cache, file_use):
    """Beside the scene in `blendcache_<scene>`, or where `use_external` says; files are named after the cache."""

    # Unnamed caches are named after a number that says nothing.
    pattern = f"{glob.escape(cache.name)}_*.bphys" if cache.name else "*.bphys"

    def expand(path, _frames):
        return sorted(glob.glob(os.path.join(glob.escape(path), pattern))) or [os.path.join(path, pattern)]

    if cache.use_external:
        assign = lambda path: setattr(cache, "filepath", path)
        return file_use(f"cache of {what}", cache.filepath, owner.library, assign, expand)
    blend = bpy.path.abspath(owner.library.filepath) if owner.library else bpy.data.filepath
    stem = os.path.splitext(os.path.basename(blend))[0]
    return file_use(f"cache of {what}", f"//blendcache_{stem}", owner.library, None, expand)


def _folder_use(what, owner, holder, attribute, file_use):
    from scene_files import files_in

    if attribute is None:
        attribute = "simulation_bake_directory" if hasattr(holder, "simulation_bake_directory") else "bake_directory"
    assign = lambda path: setattr(holder, attribute, path)
    return file_use(what, getattr(holder, attribute), owner.library, assign, files_in)
