class C:
    y = 1
    z = [x + y for x in range(3) for y in [x]]
    w = {k: (lambda: k) for k in z}


pairs = {(a, b) for a in z if a for b in a}
