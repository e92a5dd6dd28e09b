"""A six-sided pavilion of two roofs on a stone terrace in the lake, and the zigzag bridge that leads to it."""
import math

from mathutils import Vector

from mesh_maker import MeshMaker
from shading import lacquer, textured

CENTRE = (-2.4, 15.0)
TERRACE_TOP_M = 0.75
COLUMN_RADIUS_M = 2.1
EAVES_M = 3.55
# From the terrace to beyond the right edge of the picture.
BRIDGE = [(0.7, 15.6), (5.2, 15.6), (6.6, 18.4), (11.4, 18.4), (13.0, 16.2), (22.0, 16.2)]


def corners(radius, turn=math.radians(30)):
    return [
        (CENTRE[0] + radius * math.cos(math.tau * i / 6 + turn), CENTRE[1] + radius * math.sin(math.tau * i / 6 + turn))
        for i in range(6)
    ]


def build_pavilion(collection, tiles, stone):
    """`tiles`, `stone`: images."""
    paving = textured('stone', stone, (0.5, 0.5), 0.8, 0.5)
    timber = lacquer('red lacquer', (0.30, 0.025, 0.015))
    dark = lacquer('dark timber', (0.045, 0.022, 0.012), 0.5)
    roofing = textured('roof tiles', tiles, (9, 5), 0.5, 0.9)

    terrace = MeshMaker()
    turn = math.radians(30)
    terrace.prism(3.7, -1, 0.35, turn=turn, centre=CENTRE)
    terrace.prism(3.3, 0.35, TERRACE_TOP_M, turn=turn, centre=CENTRE)
    collection.objects.link(terrace.build('terrace', paving, smooth=False))

    columns = MeshMaker()
    bases = MeshMaker()
    for x, y in corners(COLUMN_RADIUS_M):
        columns.lathe([(0.13, TERRACE_TOP_M), (0.13, EAVES_M), (0.12, EAVES_M + 0.2)], 14, (x, y, 0))
        bases.lathe([(0.24, 0), (0.26, 0.1), (0.2, 0.22), (0.0, 0.24)], 14, (x, y, TERRACE_TOP_M))
    collection.objects.link(columns.build('columns', timber))
    collection.objects.link(bases.build('column bases', paving))
    collection.objects.link(frames().build('beams and railings', dark, smooth=False))

    lower = roof(3.55, 1.35, EAVES_M + 0.05, 1.25, 0.85)
    upper = roof(2.15, 0.06, EAVES_M + 1.55, 1.75, 0.75)
    for name, part in (('lower roof', lower), ('upper roof', upper)):
        collection.objects.link(part[0].build(name, roofing))
        collection.objects.link(part[1].build(f'{name} ridges', dark))
    neck = MeshMaker()
    neck.prism(1.45, EAVES_M + 1.0, EAVES_M + 1.75, turn=turn, centre=CENTRE)
    collection.objects.link(neck.build('neck', timber, smooth=False))
    finial = MeshMaker()
    finial.lathe(
        [(0.12, 0), (0.22, 0.12), (0.1, 0.25), (0.16, 0.4), (0.24, 0.58), (0.14, 0.78), (0.04, 0.95), (0.0, 1.3)],
        16,
        (*CENTRE, EAVES_M + 3.2),
    )
    collection.objects.link(finial.build('finial', dark))
    collection.objects.link(bridge().build('bridge', paving, smooth=False))


def frames():
    """Beams under the eaves, a lattice below them, railings on five sides: the sixth is where the bridge arrives."""
    maker = MeshMaker()
    ring = corners(COLUMN_RADIUS_M)
    for i in range(6):
        start, end = ring[i], ring[(i + 1) % 6]
        maker.box(start, end, 0.16, EAVES_M - 0.1, EAVES_M + 0.18)
        maker.box(start, end, 0.08, EAVES_M - 0.55, EAVES_M - 0.47)
        bars = 9
        for bar in range(1, bars):
            at = Vector(start).lerp(Vector(end), bar / bars)
            step = (Vector(end) - Vector(start)).normalized() * 0.025
            maker.box(at - step, at + step, 0.05, EAVES_M - 0.5, EAVES_M - 0.1)
        if i == 5:
            continue
        for bottom, top in ((0.42, 0.48), (0.12, 0.16)):
            maker.box(start, end, 0.12, TERRACE_TOP_M + bottom, TERRACE_TOP_M + top)
        for bar in range(1, 12):
            at = Vector(start).lerp(Vector(end), bar / 12)
            step = (Vector(end) - Vector(start)).normalized() * 0.02
            maker.box(at - step, at + step, 0.04, TERRACE_TOP_M, TERRACE_TOP_M + 0.44)
    return maker


def roof(eave_radius, top_radius, eave_height, rise, uplift):
    """@returns the tiled sheets and the ridges between them. Corners sweep up and out, as in the south."""
    sheets, ridges = MeshMaker(), MeshMaker()
    for side in range(6):
        first = math.tau * side / 6 + math.radians(30)
        second = first + math.tau / 6

        def point(u, v, first=first, second=second):
            edge = abs(2 * u - 1)
            radius = top_radius + (eave_radius - top_radius) * v
            reach = radius * (1 + 0.10 * edge**4 * v**2)
            start = Vector((math.cos(first), math.sin(first)))
            end = Vector((math.cos(second), math.sin(second)))
            flat = start.lerp(end, u) * reach
            height = rise * (1 - v) ** 1.7 + uplift * edge**3 * v**3
            return (CENTRE[0] + flat.x, CENTRE[1] + flat.y, eave_height + height)

        sheets.grid(12, 8, point)
        ridges.tube([point(0, i / 10) for i in range(11)], 0.075)
        ridges.tube([tuple(Vector(point(i / 12, 1)) - Vector((0, 0, 0.03))) for i in range(13)], 0.045)
    return sheets, ridges


def bridge():
    maker = MeshMaker()
    for start, end in zip(BRIDGE, BRIDGE[1:]):
        maker.box(start, end, 1.3, 0.5, 0.68)
        along = (Vector(end) - Vector(start)).normalized()
        side = Vector((-along.y, along.x)) * 0.6
        length = (Vector(end) - Vector(start)).length
        for sign in (-1, 1):
            maker.box(Vector(start) + side * sign, Vector(end) + side * sign, 0.08, 1.12, 1.2)
            for post in range(int(length / 1.1) + 1):
                at = Vector(start) + along * (post * 1.1) + side * sign
                maker.box(at - along * 0.06, at + along * 0.06, 0.12, -1, 1.3)
    return maker
