def generator(n):
    x = yield n
    yield from range(x)
    return (i for i in range(n))


async def coroutine(a):
    await a
    async with a as b:
        async for x in b:
            pass
    return [x async for x in a]


async def asynchronous_generator(a):
    yield 1
