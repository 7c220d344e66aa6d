"""Invert random matrices in pure Python: LU decomposition with row exchanges, then forward and back substitution.

    taipan examples/matrix_inversion.py [size] [matrices] [--method METHOD]        default: 100 4 --method serial

METHOD is serial (one matrix after another), threading (a thread for each matrix) or multiprocessing (a process for
each matrix). The last two also invert serially first, to compare the answers and to tell the speed-up.

Matrices are lists of lists of floats. The sum of the inverses' diagonals is the check: the same
sizes give the same digits on every Python.
"""

import argparse
import multiprocessing
import queue
import threading
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


def job(number, size):
    """Invert matrix number `number`, which is made here: workers share no data. Return what is to be said of it."""
    matrix = random_matrix(size, seed=1000 + 7 * number)
    start = time.perf_counter()
    inverse = invert(matrix)
    seconds = time.perf_counter() - start
    diagonal = sum([inverse[i][i] for i in range(size)])
    return number, seconds, diagonal, residual(matrix, inverse)


def worker(number, size, results):
    """What a thread or a process does."""
    try:
        results.put(job(number, size))
    except Exception as error:
        results.put((number, error))


def serial(size, count):
    return [job(number, size) for number in range(count)]


def concurrent(kind, results, size, count):
    """One worker for each matrix; their results come through a queue, in any order."""
    workers = [kind(target=worker, args=(number, size, results)) for number in range(count)]
    for one in workers:
        one.start()
    answers = [results.get() for one in workers]
    for one in workers:
        one.join()
    for number, error, *rest in answers:
        if not rest:
            raise error
    return sorted(answers)


def threads(size, count):
    return concurrent(threading.Thread, queue.Queue(), size, count)


def processes(size, count):
    # Forked, for the time that takes: a new interpreter for each matrix would have to start first.
    context = multiprocessing.get_context("fork")
    return concurrent(context.Process, context.Queue(), size, count)


METHODS = {"serial": serial, "threading": threads, "multiprocessing": processes}


def timed(method, size, count):
    start = time.perf_counter()
    answers = METHODS[method](size, count)
    return answers, time.perf_counter() - start


def report(answers):
    """Print a line for each matrix and the sum; return the diagonals."""
    for number, seconds, diagonal, error in answers:
        print(f"  matrix {number}: {seconds:7.3f} s   diagonal of the inverse {diagonal!r}   error {error:.1e}")
        if error > 1e-6:
            raise SystemExit("the inverse is wrong")
    diagonals = [diagonal for _, _, diagonal, _ in answers]
    print(f"sum of the diagonals {sum(diagonals)!r}")
    return diagonals


def main():
    parser = argparse.ArgumentParser(description="Invert random matrices in pure Python.")
    parser.add_argument("size", nargs="?", type=int, default=100, help="rows of a matrix")
    parser.add_argument("matrices", nargs="?", type=int, default=4, help="how many matrices")
    parser.add_argument("--method", choices=METHODS, default="serial", help="who inverts them")
    options = parser.parse_args()
    size, count = options.size, options.matrices

    print(f"inverting {count} matrices of {size} x {size}")
    answers, serial_seconds = timed("serial", size, count)
    diagonals = report(answers)
    print(f"serial: {serial_seconds:.3f} s")
    if options.method == "serial":
        return

    answers, seconds = timed(options.method, size, count)
    if report(answers) != diagonals:
        raise SystemExit("the answers differ")
    print(f"{options.method}: {seconds:.3f} s, {serial_seconds / seconds:.2f} times as fast as serial")


if __name__ == "__main__":
    main()
