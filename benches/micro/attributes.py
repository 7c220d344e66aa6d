N = 1_000_000


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y


def run(n):
    point = Point(1, 2)
    for _ in range(n):
        point.x += point.y
        point.y = point.x - point.y
        if point.x > 1_000_000:
            point.x, point.y = 1, 2
    return point.x, point.y
