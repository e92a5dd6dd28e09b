// Tea for three by a paper window. The table is a picture (wood.png, painted by paint-wood.ts), pot and cups come from
// teaware.inc. Size and frames are in tea.ini: the camera goes a little way round the table. No radiosity: it gathers
// light over the whole picture first, and tiles would each have to do that again.
#version 3.7;
global_settings {
  assumed_gamma 1.0
  max_trace_level 6
}
#include "teaware.inc"

camera {
  perspective
  right x * image_width / image_height
  location vrotate(<3, 17, -32>, y * (8 - 16 * clock))
  look_at <1.5, 4.6, 0>
  angle 50
}

// A paper window to the left, the evening behind the camera.
light_source {
  <-40, 38, -18>
  rgb <1.0, 0.84, 0.60> * 1.35
  area_light 14 * x, 14 * z, 3, 3 adaptive 1
}
light_source { <30, 25, -45> rgb <0.30, 0.38, 0.55> * 0.5 shadowless }
sky_sphere {
  pigment {
    gradient y
    color_map { [0 rgb <0.16, 0.12, 0.10>] [0.5 rgb <0.30, 0.28, 0.28>] [1 rgb <0.75, 0.72, 0.66>] }
  }
}

plane {
  y, 0
  pigment { image_map { png "wood.png" interpolate 2 } rotate 90 * x scale <34, 1, 34> translate <5, 0, 3> }
  finish { ambient 0 diffuse 0.8 specular 0.12 roughness 0.03 reflection { 0.01, 0.16 fresnel on } }
  interior { ior 1.45 }
}

object { Teapot rotate 25 * y translate <-4, 0, 3> }
object { Cup translate <7.5, 0, 1.5> }
object { Cup rotate 40 * y translate <2.5, 0, -6.5> }
object { Cup translate <-8, 0, -6> }

// A tray of tea leaves.
#declare Chance = seed(1368);
cylinder { <12.5, 0, 10>, <12.5, 0.7, 10>, 4.2 pigment { rgb <0.16, 0.08, 0.04> } finish { ambient 0 diffuse 0.8 specular 0.3 roughness 0.02 } }
#for (I, 1, 90)
  #local Where = vrotate(<3.6 * sqrt(rand(Chance)), 0.8 + 0.5 * rand(Chance), 0>, y * 360 * rand(Chance));
  cylinder {
    <-0.45, 0, 0>, <0.45, 0.12, 0>, 0.11
    rotate <30 * rand(Chance), 360 * rand(Chance), 30 * rand(Chance)>
    translate <12.5, 0, 10> + Where
    pigment { rgb <0.05, 0.09, 0.03> + 0.04 * rand(Chance) }
    finish { ambient 0 diffuse 0.8 }
  }
#end
