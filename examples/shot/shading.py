"""Materials of the shot. Haze is part of those that lie far off."""
import bpy

HAZE_COLOUR = (0.62, 0.40, 0.40, 1)
HAZE_DISTANCE_M = 330.0
HAZE_HEIGHT_M = 45.0


def new_material(name):
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    material.node_tree.nodes.clear()
    return material, Nodes(material.node_tree)


class Nodes:
    """Makes and connects nodes: `nodes.add('ShaderNodeMath', operation='ADD', inputs={0: other, 1: 2.0})`."""

    def __init__(self, tree):
        self.tree = tree

    def add(self, kind, output=0, inputs=None, **properties):
        """@returns the socket `output` of the new node."""
        node = self.tree.nodes.new(kind)
        for name, value in properties.items():
            setattr(node, name, value)
        for name, value in (inputs or {}).items():
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, node.inputs[name])
            else:
                node.inputs[name].default_value = value
        return node.outputs[output]

    def math(self, operation, *values, clamp=False):
        return self.add(
            'ShaderNodeMath', operation=operation, use_clamp=clamp, inputs=dict(enumerate(values))
        )

    def ramp(self, factor, stops):
        """`stops`: (position, colour) in rising order, at least two."""
        socket = self.add('ShaderNodeValToRGB', inputs={0: factor})
        elements = socket.node.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(1.0)
        for element, (position, colour) in zip(elements, stops):
            element.position = position
            element.color = (*colour, 1)
        return socket

    def surface(self, shader, hazy=False):
        if hazy:
            distance = self.add('ShaderNodeCameraData', output='View Distance')
            # It lies on the water: heads of hills stand out of it.
            place = self.add('ShaderNodeNewGeometry', output='Position')
            height = self.add('ShaderNodeSeparateXYZ', output='Z', inputs={0: place})
            density = self.math('EXPONENT', self.math('DIVIDE', height, -HAZE_HEIGHT_M))
            depth = self.math('MULTIPLY', self.math('DIVIDE', distance, -HAZE_DISTANCE_M), density)
            fade = self.math('EXPONENT', depth)
            haze = self.add('ShaderNodeEmission', inputs={'Color': HAZE_COLOUR, 'Strength': 1.0})
            shader = self.add('ShaderNodeMixShader', inputs={0: fade, 1: haze, 2: shader})
        self.add_output('ShaderNodeOutputMaterial', shader)

    def add_output(self, kind, shader):
        self.tree.links.new(shader, self.tree.nodes.new(kind).inputs['Surface'])


def lacquer(name, colour, roughness=0.35):
    material, nodes = new_material(name)
    nodes.surface(
        nodes.add(
            'ShaderNodeBsdfPrincipled',
            inputs={'Base Color': (*colour, 1), 'Roughness': roughness, 'Specular': 0.4},
        )
    )
    return material


def textured(name, image, scale, roughness, bump):
    """Colour and height from one picture."""
    material, nodes = new_material(name)
    place = nodes.add('ShaderNodeMapping', inputs={0: nodes.add('ShaderNodeUVMap'), 'Scale': (*scale, 1)})
    picture = nodes.add('ShaderNodeTexImage', image=image, inputs={0: place})
    normal = nodes.add('ShaderNodeBump', inputs={'Strength': bump, 'Distance': 0.05, 'Height': picture})
    nodes.surface(
        nodes.add(
            'ShaderNodeBsdfPrincipled',
            inputs={'Base Color': picture, 'Roughness': roughness, 'Specular': 0.3, 'Normal': normal},
        )
    )
    return material


def rock():
    """Limestone where it is steep, scrub where it is not."""
    material, nodes = new_material('karst')
    normal = nodes.add('ShaderNodeNewGeometry', output='Normal')
    steep = nodes.add('ShaderNodeSeparateXYZ', output='Z', inputs={0: normal})
    place = nodes.add('ShaderNodeTexCoord', output='Object')
    noise = nodes.add('ShaderNodeTexNoise', output='Fac', inputs={0: place, 'Scale': 0.12, 'Detail': 3.0})
    factor = nodes.math('ADD', steep, nodes.math('MULTIPLY', nodes.math('SUBTRACT', noise, 0.5), 1.6))
    colour = nodes.ramp(
        factor, [(0.12, (0.24, 0.21, 0.19)), (0.30, (0.05, 0.075, 0.04)), (0.7, (0.025, 0.05, 0.022))]
    )
    nodes.surface(nodes.add('ShaderNodeBsdfDiffuse', inputs={'Color': colour}), hazy=True)
    return material


def water():
    material, nodes = new_material('lake')
    place = nodes.add('ShaderNodeMapping', inputs={0: nodes.add('ShaderNodeTexCoord', output='Object')})
    place.node.inputs['Scale'].default_value = (0.55, 1.5, 1)
    waves = nodes.add('ShaderNodeTexNoise', output='Fac', inputs={0: place, 'Scale': 1.3, 'Detail': 2.0})
    normal = nodes.add('ShaderNodeBump', inputs={'Strength': 0.10, 'Distance': 0.2, 'Height': waves})
    mirror = nodes.add(
        'ShaderNodeBsdfGlossy', inputs={'Color': (0.92, 0.94, 1, 1), 'Roughness': 0.02, 'Normal': normal}
    )
    depth = nodes.add('ShaderNodeBsdfDiffuse', inputs={'Color': (0.008, 0.022, 0.025, 1)})
    fresnel = nodes.add('ShaderNodeFresnel', inputs={'IOR': 1.33, 'Normal': normal})
    nodes.surface(nodes.add('ShaderNodeMixShader', inputs={0: fresnel, 1: depth, 2: mirror}), hazy=True)
    return material
