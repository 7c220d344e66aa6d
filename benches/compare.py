"""Times programs on several interpreters, in turns, and prints ratios.

    python3 benches/compare.py [--rounds N] [--programs NAME,...] [NAME=]COMMAND...

Each program is a module with a function run(n), a number N of operations, and a result that all interpreters must agree on.
"""

import argparse
import math
import pathlib
import shlex
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# Runs in the interpreter that is measured: needs nothing but sys and time.
DRIVER = """
import sys, time
namespace = {"__name__": "program"}
with open(sys.argv[1]) as file:
    exec(compile(file.read(), sys.argv[1], "exec"), namespace)
run, n = namespace["run"], namespace["N"]
run(max(1, n // 10))
start = time.perf_counter()
result = run(n)
print("TIME", time.perf_counter() - start, repr(result)[:200])
"""


def programs(wanted):
    found = {path.stem: path for folder in ("micro", "macro") for path in sorted((HERE / folder).glob("*.py"))}
    if wanted:
        unknown = set(wanted) - set(found)
        if unknown:
            sys.exit(f"no such program: {', '.join(sorted(unknown))}")
        found = {name: found[name] for name in wanted}
    return found


def measure(command, path):
    """Seconds and result, or None and what went wrong."""
    done = subprocess.run(command + ["-c", DRIVER, str(path)], capture_output=True, text=True, timeout=600)
    for line in done.stdout.splitlines():
        if line.startswith("TIME "):
            _, seconds, result = line.split(" ", 2)
            return float(seconds), result
    return None, (done.stderr.strip().splitlines() or ["no output"])[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--programs", type=lambda text: text.split(","))
    parser.add_argument("interpreters", nargs="+")
    options = parser.parse_args()
    interpreters = {}
    for text in options.interpreters:
        name, _, command = text.rpartition("=")
        interpreters[name or pathlib.Path(command).name] = shlex.split(command)
    names = list(interpreters)
    ratios = {name: [] for name in names}
    print(f"{'program':<18}" + "".join(f"{name:>30}" for name in names))
    for program, path in programs(options.programs).items():
        times = {name: [] for name in names}
        results, failed = {}, {}
        for _ in range(options.rounds):
            for name in names:
                if name in failed:
                    continue
                seconds, result = measure(interpreters[name], path)
                if seconds is None:
                    failed[name] = result
                else:
                    times[name].append(seconds)
                    results[name] = result
        cells = []
        base = statistics.median(times[names[0]]) if times[names[0]] else None
        for name in names:
            if name in failed or not base:
                cells.append("failed: " + failed.get(name, "the first did")[:20])
                continue
            median = statistics.median(times[name])
            spread = (max(times[name]) - min(times[name])) / median
            ratios[name].append(median / base)
            cells.append(f"{median * 1000:9.1f} ms ±{spread * 50:3.0f}%  x{median / base:5.2f}")
        print(f"{program:<18}" + "".join(f"{cell:>30}" for cell in cells), flush=True)
        if len(set(results.values())) > 1:
            print(f"    the results differ: {results}")
    means = [math.exp(statistics.fmean(map(math.log, ratios[name]))) if ratios[name] else math.nan for name in names]
    print(f"{'geometric mean':<18}" + "".join(f"{f'x{mean:5.2f}':>30}" for mean in means))


if __name__ == "__main__":
    main()
