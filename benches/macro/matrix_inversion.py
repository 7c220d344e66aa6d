"""The example, as a benchmark: one matrix of n x n."""

import os

N = 110
path = os.path.join(os.getcwd(), "examples", "matrix_inversion.py")
with open(path) as file:
    exec(compile(file.read(), path, "exec"))


def run(n):
    inverse = invert(random_matrix(n, 1000))
    return sum([inverse[i][i] for i in range(n)])
