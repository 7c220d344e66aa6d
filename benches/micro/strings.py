N = 200_000


def run(n):
    parts = []
    for i in range(n):
        text = f"item {i}:{i * 3:06d}"
        if text.endswith("7") and "12" in text:
            parts.append(text.upper().split(":")[1])
    return len("".join(parts))
