def patterns(subject):
    match subject:
        case 1 | -2 | "x":
            return "literal"
        case None:
            return "singleton"
        case [a, b, *rest] if a:
            return rest
        case {"key": value, **others}:
            return value, others
        case Point(x=0, y=[_, z]) | Line(z):
            return z
        case str() as text:
            return text
        case _:
            return None
