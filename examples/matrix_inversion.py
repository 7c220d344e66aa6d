"""Invert random matrices in pure Python: LU decomposition with row exchanges, then forward and back substitution.

    taipan examples/matrix_inversion.py [size] [matrices]        default: 100 4

Matrices are lists of lists of floats. The sum of the inverses' diagonals is the check: the same
sizes give the same digits on every Python.
"""

import sys
import time


def random_matrix(size, seed):
    """A matrix of numbers between -1 and 1 from a 31-bit congruential generator, the same everywhere."""
    state = seed
    matrix = []
    for i in range(size):
        row = []
        for j in range(size):
            state = (state * 1103515245 + 12345) % 2147483648
            row.append(state / 1073741824.0 - 1.0)
        matrix.append(row)
    return matrix


def decompose(a):
    """Replace a by its factors L (below the diagonal, ones on it left out) and U; return the order of the rows."""
    size = len(a)
    order = list(range(size))
    for k in range(size):
        pivot = k
        for i in range(k + 1, size):
            if abs(a[i][k]) > abs(a[pivot][k]):
                pivot = i
        if a[pivot][k] == 0.0:
            raise ValueError("the matrix is singular")
        if pivot != k:
            a[k], a[pivot] = a[pivot], a[k]
            order[k], order[pivot] = order[pivot], order[k]
        for i in range(k + 1, size):
            a[i][k] /= a[k][k]
            factor = a[i][k]
            for j in range(k + 1, size):
                a[i][j] -= factor * a[k][j]
    return order


def invert(matrix):
    """The inverse: one column at a time, L y = e and then U x = y."""
    lu = [row[:] for row in matrix]
    order = decompose(lu)
    size = len(lu)
    inverse = [[0.0] * size for row in lu]
    y = [0.0] * size
    for column in range(size):
        for i in range(size):
            total = 1.0 if order[i] == column else 0.0
            for j in range(i):
                total -= lu[i][j] * y[j]
            y[i] = total
        for i in range(size - 1, -1, -1):
            total = y[i]
            for j in range(i + 1, size):
                total -= lu[i][j] * inverse[j][column]
            inverse[i][column] = total / lu[i][i]
    return inverse


def residual(matrix, inverse):
    """The largest element of |A * A^-1 - I| in the first row."""
    size = len(matrix)
    worst = 0.0
    for j in range(size):
        total = -1.0 if j == 0 else 0.0
        for k in range(size):
            total += matrix[0][k] * inverse[k][j]
        worst = max(worst, abs(total))
    return worst


def main():
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    print(f"inverting {count} matrices of {size} x {size}")
    check = 0.0
    all_seconds = 0.0
    for number in range(count):
        matrix = random_matrix(size, seed=1000 + 7 * number)
        start = time.perf_counter()
        inverse = invert(matrix)
        seconds = time.perf_counter() - start
        all_seconds += seconds
        diagonal = sum([inverse[i][i] for i in range(size)])
        check += diagonal
        error = residual(matrix, inverse)
        print(f"  matrix {number}: {seconds:7.3f} s   diagonal of the inverse {diagonal!r}   error {error:.1e}")
        if error > 1e-6:
            raise SystemExit("the inverse is wrong")
    print(f"sum of the diagonals {check!r}")
    print(f"{all_seconds:.3f} s")


if __name__ == "__main__":
    main()
