def loops(xs):
    for x in xs:
        if x < 0:
            continue
        if x > 10:
            break
    else:
        return None
    while True:
        if not xs or x in {1, 2, 3}:
            break
        x += 1
    return [y for y in xs if y]
