"""Collects vertices and faces of one mesh; each maker below adds a simple solid. Metres, Z up."""
import math

import bpy


class MeshMaker:
    def __init__(self):
        self.vertices = []
        self.faces = []
        self.uvs = []

    def face(self, corners, uv=None):
        """`corners`: indices of vertices, counter-clockwise from outside."""
        self.faces.append(corners)
        self.uvs.extend(uv or [(self.vertices[i][0], self.vertices[i][1]) for i in corners])

    def grid(self, columns, rows, point, close=False):
        """A sheet of `columns` x `rows` quads; `point(u, v)` with both from 0 to 1 gives its position."""
        first = len(self.vertices)
        across = columns if close else columns + 1
        for row in range(rows + 1):
            for column in range(across):
                self.vertices.append(point(column / columns, row / rows))
        for row in range(rows):
            for column in range(columns):
                right = (column + 1) % across
                at = [(column, row), (right, row), (right, row + 1), (column, row + 1)]
                uv = [(column / columns, row / rows), ((column + 1) / columns, row / rows)]
                uv += [((column + 1) / columns, (row + 1) / rows), (column / columns, (row + 1) / rows)]
                self.face([first + y * across + x for x, y in at], uv)

    def lathe(self, profile, segments, centre=(0, 0, 0)):
        """`profile`: (radius, height) from bottom to top."""

        def point(u, v):
            radius, height = profile[round(v * (len(profile) - 1))]
            angle = u * math.tau
            return (
                centre[0] + radius * math.cos(angle),
                centre[1] + radius * math.sin(angle),
                centre[2] + height,
            )

        self.grid(segments, len(profile) - 1, point, close=True)

    def prism(self, radius, bottom, top, segments=6, turn=0.0, centre=(0, 0)):
        """Upright, closed above."""
        ring = [math.tau * i / segments + turn for i in range(segments)]
        first = len(self.vertices)
        for height in (bottom, top):
            for angle in ring:
                self.vertices.append(
                    (centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle), height)
                )
        for i in range(segments):
            j = (i + 1) % segments
            self.face(
                [first + i, first + j, first + segments + j, first + segments + i],
                [(i, 0), (i + 1, 0), (i + 1, 1), (i, 1)],
            )
        self.face([first + segments + i for i in range(segments)])

    def box(self, start, end, width, bottom, top):
        """A beam over the ground line from `start` to `end` (x, y)."""
        along = (end[0] - start[0], end[1] - start[1])
        length = math.hypot(*along)
        side = (-along[1] / length * width / 2, along[0] / length * width / 2)
        corners = [
            (start[0] - side[0], start[1] - side[1]),
            (end[0] - side[0], end[1] - side[1]),
            (end[0] + side[0], end[1] + side[1]),
            (start[0] + side[0], start[1] + side[1]),
        ]
        first = len(self.vertices)
        self.vertices += [(x, y, bottom) for x, y in corners] + [(x, y, top) for x, y in corners]
        for quad in ([0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7], [4, 5, 6, 7], [3, 2, 1, 0]):
            self.face([first + i for i in quad], [(0, 0), (length, 0), (length, width), (0, width)])

    def tube(self, points, radius, segments=6):
        """Round a line of points, in vertical planes; thick enough an approximation for ridges and ropes."""
        first = len(self.vertices)
        for x, y, z in points:
            for i in range(segments):
                angle = math.tau * i / segments
                self.vertices.append((x + radius * math.cos(angle), y + radius * math.cos(angle), z + radius * math.sin(angle)))
        for row in range(len(points) - 1):
            for i in range(segments):
                j = (i + 1) % segments
                base = first + row * segments
                self.face([base + i, base + j, base + segments + j, base + segments + i])

    def build(self, name, material, smooth=True):
        """@returns the object, linked to nothing yet."""
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata(self.vertices, [], self.faces)
        layer = mesh.uv_layers.new(name='UVMap')
        for index, uv in enumerate(self.uvs):
            layer.data[index].uv = uv
        for polygon in mesh.polygons:
            polygon.use_smooth = smooth
        if smooth:
            mesh.use_auto_smooth = True
            mesh.auto_smooth_angle = math.radians(50)
        mesh.materials.append(material)
        return bpy.data.objects.new(name, mesh)
