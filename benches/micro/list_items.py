N = 300


def run(n):
    rows = [[float(i * j % 7) for j in range(n)] for i in range(n)]
    total = 0.0
    for i in range(n):
        for j in range(n):
            total += rows[i][j] * rows[j][i]
            rows[i][j] = total % 5.0
    return total
