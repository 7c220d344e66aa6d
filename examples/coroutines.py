"""Ask a server for several things at once, with coroutines: asyncio and aiohttp.

    taipan -m venv zoo                              an environment,
    zoo/bin/python -m pip install aiohttp           what the program needs in it,
    zoo/bin/python examples/coroutines.py           and the program
    zoo/bin/python examples/coroutines.py --requests 1000 --concurrency 100

The server is the program's own, on this machine, in the same thread: while one coroutine waits, another goes on. It
lets each animal think for a moment, so that the answers together take as long as the slowest, not as their sum.

With --requests it is asked as often, by so many coroutines at once, without thinking; the rate is told, and each answer
is checked.
"""

import argparse
import asyncio
import time

try:
    import aiohttp
    from aiohttp import web
except ImportError:
    aiohttp = None

SOUNDS = {"cow": "moo", "dog": "woof", "cat": "meow", "duck": "quack", "pig": "oink", "sheep": "baa"}
THINKING = 0.2


def make_server(thinking):
    """The application that answers /animals/NAME with a sound."""

    async def answer(request):
        name = request.match_info["name"]
        if name not in SOUNDS:
            raise web.HTTPNotFound(text=f"nobody here is called {name}")
        if thinking:
            await asyncio.sleep(thinking)
        return web.Response(text=SOUNDS[name])

    application = web.Application()
    application.router.add_get("/animals/{name}", answer)
    return application


async def speak(animal, session):
    """What one animal says."""
    async with session.get("/animals/" + animal) as response:
        response.raise_for_status()
        sound = await response.text()
    return f'The {animal} says "{sound}".'


async def ask_all(session):
    """Ask all animals at once, and one that there is not."""
    start = time.perf_counter()
    for line in await asyncio.gather(*[speak(animal, session) for animal in SOUNDS]):
        print(line)
    seconds = time.perf_counter() - start
    alone = len(SOUNDS) * THINKING
    print(f"{len(SOUNDS)} answers in {seconds:.2f} s; one after another they take {alone:.2f} s at least")
    try:
        await speak("unicorn", session)
    except aiohttp.ClientResponseError as error:
        print(f"the unicorn: {error.status} {error.message}")


async def ask_often(session, requests, concurrency):
    """Ask as often, from so many coroutines; tell the rate, and that no answer was lost."""
    animals = list(SOUNDS)
    numbers = iter(range(requests))
    right = 0

    async def ask():
        nonlocal right
        for number in numbers:
            animal = animals[number % len(animals)]
            if await speak(animal, session) != f'The {animal} says "{SOUNDS[animal]}".':
                raise SystemExit(f"request {number}: a wrong answer")
            right += 1

    start = time.perf_counter()
    await asyncio.gather(*[ask() for _ in range(concurrency)])
    seconds = time.perf_counter() - start
    if right != requests:
        raise SystemExit(f"{requests - right} of {requests} answers are lost")
    print(f"{requests} requests by {concurrency} coroutines in {seconds:.2f} s: {requests / seconds:.0f} a second, no answer lost")


async def run(requests, concurrency):
    runner = web.AppRunner(make_server(0 if requests else THINKING), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        connector = aiohttp.TCPConnector(limit=concurrency)
        async with aiohttp.ClientSession(f"http://{host}:{port}", connector=connector) as session:
            if requests:
                await ask_often(session, requests, concurrency)
            else:
                await ask_all(session)
    finally:
        await runner.cleanup()


def main():
    parser = argparse.ArgumentParser(description="Ask a server for several things at once, with coroutines.")
    parser.add_argument("--requests", type=int, default=0, help="how often to ask, to measure the rate")
    parser.add_argument("--concurrency", type=int, default=100, help="how many coroutines ask")
    options = parser.parse_args()
    if options.requests < 0 or options.concurrency < 1:
        parser.error("there is nothing to ask, or nobody who asks")
    if aiohttp is None:
        raise SystemExit("aiohttp is not installed: python -m pip install aiohttp (in a virtual environment)")
    asyncio.run(run(options.requests, options.concurrency))


if __name__ == "__main__":
    main()
