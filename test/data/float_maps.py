"""Layers of convolutional networks on maps of Python's floats, one by one and in double."""
import itertools
import math
import operator


class Maps:
    """Images of c channels: rows of [w][c]."""

    def __init__(self, c, images):
        self.c, self.images = c, images

    def height(self):
        return len(self.images[0])

    def width(self):
        return len(self.images[0][0]) // self.c

    def rows(self, change):
        return [[change(row) for row in rows] for rows in self.images]

    def each(self, f, *constants):
        """f(value, constants of its channel...) of all values."""
        along = [list(values) * self.width() for values in constants]
        return Maps(self.c, self.rows(lambda row: list(map(f, row, *along))))

    def channel(self, c):
        return [v for rows in self.images for row in rows for v in row[c::self.c]]


def windows(x, k, stride, padding, edge):
    """The values below a k x k window at all its places, [ky][kx][c], row by row."""
    side, blank = [edge] * (padding * x.c), [edge] * ((x.width() + 2 * padding) * x.c)
    for rows in x.images:
        padded = [blank] * padding + [side + row + side for row in rows] + [blank] * padding
        yield [[list(itertools.chain.from_iterable(row[at * x.c:(at + k) * x.c] for row in padded[y:y + k]))
                for at in range(0, len(blank) // x.c - k + 1, stride)] for y in range(0, len(padded) - k + 1, stride)]


def convolve(x, weights, o, k, stride, padding):
    """Weights [o][c][k][k]."""
    n, taps = x.c * k * k, k * k
    filters = [[weights[f * n + c * taps + t] for t in range(taps) for c in range(x.c)] for f in range(o)]
    return Maps(o, [[[sum(map(operator.mul, window, f)) for window in row for f in filters] for row in rows]
                    for rows in windows(x, k, stride, padding, 0.0)])


def pool(x, k, stride, padding):
    return Maps(x.c, [[[max(window[c::x.c]) for window in row for c in range(x.c)] for row in rows]
                      for rows in windows(x, k, stride, padding, -math.inf)])


def mean(x):
    pixels = x.height() * x.width()
    return Maps(x.c, [[[math.fsum(v for row in rows for v in row[c::x.c]) / pixels for c in range(x.c)]]
                      for rows in x.images])


def flatten(x):
    """As view() does: [c][h][w]."""
    return Maps(x.c * x.height() * x.width(),
                [[[v for c in range(x.c) for row in rows for v in row[c::x.c]]] for rows in x.images])


def add(x, y):
    assert (x.c, x.height(), x.width()) == (y.c, y.height(), y.width())
    return Maps(x.c, [[list(map(operator.add, *rows)) for rows in zip(*images)] for images in zip(x.images, y.images)])


def relu(x):
    return x.each(lambda v: max(v, 0.0))


def halved(x):
    """The 2x2 maximum, with as many channels of zeros above."""
    small, zeros = pool(x, 2, 2, 0), [0.0] * x.c
    return Maps(2 * x.c, small.rows(
        lambda row: [v for at in range(0, len(row), x.c) for v in row[at:at + x.c] + zeros]))
