class Base(object, metaclass=type):
    """Doc."""

    x: int = 1
    __private = 2

    def method(self):
        self.attribute = super().method
        return __class__


class Generic[T: int, *Ts, **P](Base):
    def get(self, t: T) -> T:
        return t


type Alias[T] = list[T]


def first[T](xs: list[T], default: T = None) -> T:
    return xs[0]
