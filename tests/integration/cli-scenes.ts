/** Studio scenes for tests of the program: made in a folder by the Blender that is installed here, or written as text. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Pictures are half blue, half green: neither is the magenta that Cycles shows for a texture that it lacks. */
const MAKE_SCENES = `
import bpy, os, sys
BASE = sys.argv[-1]

def path_in(name):
    os.makedirs(os.path.dirname(os.path.join(BASE, name)), exist_ok=True)
    return os.path.join(BASE, name)

def picture(name, color):
    image = bpy.data.images.new("picture", 8, 8)
    image.pixels = [value for _ in range(64) for value in (*color, 1)]
    image.filepath_raw, image.file_format = path_in(name), "PNG"
    image.save()

def scene(pictures):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 48, 32, 100
    scene.frame_start, scene.frame_end, scene.cycles.samples = 1, 3, 2
    scene.cycles.use_adaptive_sampling = scene.cycles.use_denoising = False
    scene.view_layers[0].use_pass_z = True
    for index, name in enumerate(pictures):
        bpy.ops.mesh.primitive_plane_add(size=2, location=(2 * index - len(pictures) + 1, 0, 0), rotation=(1.5708, 0, 0))
        bpy.context.object.name = "Wall"
        material = bpy.data.materials.new("Paint")
        material.use_nodes = True
        bpy.context.object.data.materials.append(material)
        nodes, links = material.node_tree.nodes, material.node_tree.links
        nodes.clear()
        texture, glow, out = [nodes.new("ShaderNode" + kind) for kind in ("TexImage", "Emission", "OutputMaterial")]
        texture.image = bpy.data.images.new("image%d" % index, 8, 8)
        texture.image.source, texture.image.filepath = "FILE", name
        links.new(texture.outputs[0], glow.inputs[0])
        links.new(glow.outputs[0], out.inputs[0])
    bpy.ops.object.camera_add(location=(0, -9, 0), rotation=(1.5708, 0, 0))
    scene.camera = bpy.context.object
    return scene

def save(name):
    bpy.ops.wm.save_as_mainfile(filepath=path_in(name), check_existing=False, relative_remap=False)

picture("show/shot/near.png", (0, 1, 0))
picture("show/textures/up.png", (0, 0, 1))
picture("show/textures/named.png", (0, 1, 1))
scene(["//near.png", "//../textures/up.png", path_in("show/textures/named.png")])
save("show/shot/far.blend")
scene(["//gone%d.png" % index for index in range(7)])
save("show/shot/gone.blend")
scene(["//../textures/up.png"])
save("show/library/wall.blend")
shot = scene([])
with bpy.data.libraries.load(path_in("show/library/wall.blend"), link=True) as (_, to):
    to.objects = ["Wall"]
shot.collection.objects.link(bpy.data.objects["Wall"])
bpy.data.libraries[0].filepath = "//../library/wall.blend"
save("show/shot/linked.blend")
scene(["//near.png"])
driver = bpy.data.objects["Wall"].driver_add("location", 0).driver
# Blender lets plain arithmetic and a few functions run in any case.
driver.type, driver.expression = "SCRIPTED", "__import__('math').sqrt(4) - 2"
save("show/shot/driven.blend")
`;

/** The scenes above, below `show` in the folder. @throws Error with Blender's log. */
export function makeBlenderScenes(folder: string, executable: string): void {
  const script = join(folder, 'make-scenes.py');
  writeFileSync(script, MAKE_SCENES);
  const flags = ['-b', '--factory-startup', '-noaudio', '--python-exit-code', '3'];
  const made = spawnSync(executable, [...flags, '-P', script, '--', folder], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`no scenes were made: ${made.stdout}${made.stderr}`);
}

const GREEN_PPM = Buffer.from([...Buffer.from('P6\n1 1\n255\n'), 0, 255, 0]);
const VIEW = '#version 3.7;\nglobal_settings { assumed_gamma 1.0 }\ncamera { location <0,0,-4> look_at 0 }\n';
const wall = (file: string): string =>
  `plane { z,0 texture { pigment { image_map { ppm "${file}" } } finish { emission 1 ambient 0 diffuse 0 } } }\n`;

/** Below `pov` in the folder: `green.pov` has a texture in `../`, `gone.pov` one that is nowhere. */
export function writePovrayScenes(folder: string): void {
  const files = {
    'pov/textures/green.ppm': GREEN_PPM,
    'pov/shot/wall.inc': wall('../textures/green.ppm'),
    'pov/shot/green.pov': `${VIEW}#include "wall.inc"\n`,
    'pov/shot/gone.pov': `${VIEW}${wall('gone.ppm')}`,
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}
