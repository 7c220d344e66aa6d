N = 500_000


class Node:
    def __init__(self, value, next):
        self.value = value
        self.next = next


def run(n):
    head = None
    for i in range(n):
        head = Node(i, head if i % 100 else None)
    return head.value
