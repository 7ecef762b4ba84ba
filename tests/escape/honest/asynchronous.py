# expect: correct
# An event loop of its own.
import asyncio


async def later(value):
    await asyncio.sleep(0.001)
    return value


def add(a, b):
    async def both():
        return sum(await asyncio.gather(later(a), later(b)))

    return asyncio.run(both())
