"""Bodies that attract each other."""

N = 30_000


def bodies():
    return [
        [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], 40.0],
        [[4.8, -1.1, -0.1], [0.6, 2.8, -0.02], 0.04],
        [[8.3, 4.1, -0.4], [-1.0, 1.8, 0.008], 0.01],
        [[12.8, -15.1, -0.2], [1.0, 0.8, -0.01], 0.002],
        [[15.3, -25.9, 0.1], [0.9, 0.5, -0.03], 0.002],
    ]


def advance(system, pairs, dt):
    for (p1, v1, m1), (p2, v2, m2) in pairs:
        dx = p1[0] - p2[0]
        dy = p1[1] - p2[1]
        dz = p1[2] - p2[2]
        force = dt * (dx * dx + dy * dy + dz * dz) ** -1.5
        a, b = m2 * force, m1 * force
        v1[0] -= dx * a
        v1[1] -= dy * a
        v1[2] -= dz * a
        v2[0] += dx * b
        v2[1] += dy * b
        v2[2] += dz * b
    for p, v, m in system:
        p[0] += dt * v[0]
        p[1] += dt * v[1]
        p[2] += dt * v[2]


def run(n):
    system = bodies()
    pairs = [(a, b) for i, a in enumerate(system) for b in system[i + 1:]]
    for _ in range(n):
        advance(system, pairs, 0.01)
    return system[1][0]
