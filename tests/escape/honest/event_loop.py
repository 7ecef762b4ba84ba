# expect: correct
# form: calls
# Tasks, queues, time-outs, threads, generators: all of asyncio.
import asyncio
from contextlib import asynccontextmanager


async def numbers(*given):
    for n in given:
        await asyncio.sleep(0)
        yield n


@asynccontextmanager
async def quietly():
    yield


async def main(a, b):
    line = asyncio.Queue()
    async with quietly():
        async for n in numbers(a, b):
            await line.put(n)
    first = asyncio.create_task(line.get())
    second = asyncio.wait_for(line.get(), 5)
    extra = await asyncio.to_thread(lambda: 0)
    return sum(await asyncio.gather(first, second)) + extra


def add(a, b):
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(main(a, b))
    finally:
        loop.close()
