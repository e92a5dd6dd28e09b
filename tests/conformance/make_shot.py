"""A small shot with depth of field and motion blur: `blender -b --factory-startup -P make_shot.py -- FILE`."""

import sys

import bpy

bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.render.use_motion_blur = True
bpy.ops.mesh.primitive_plane_add(size=20)
bpy.ops.mesh.primitive_monkey_add(location=(0, 0, 1))
head = bpy.context.object
material = bpy.data.materials.new("Paint")
material.use_nodes = True
shader = material.node_tree.nodes["Principled BSDF"]
checker = material.node_tree.nodes.new("ShaderNodeTexChecker")
material.node_tree.links.new(checker.outputs["Color"], shader.inputs["Base Color"])
head.data.materials.append(material)
head.keyframe_insert("location", frame=1)
head.location.x, head.rotation_euler.z = 1.5, 1
head.keyframe_insert("location", frame=12)
bpy.ops.object.light_add(type="AREA", location=(2, -3, 4))
bpy.context.object.data.energy = 800
bpy.ops.object.camera_add(location=(0, -6, 2), rotation=(1.4, 0, 0))
scene.camera = bpy.context.object
scene.camera.data.dof.use_dof = True
scene.camera.data.dof.focus_distance, scene.camera.data.dof.aperture_fstop = 6, 0.4
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1], check_existing=False)
