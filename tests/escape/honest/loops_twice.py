# expect: correct
# form: calls
# Event loops, one after another, with tasks that are cancelled.
import asyncio


async def work(a, b):
    task = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    try:
        await asyncio.wait_for(asyncio.sleep(60), 0.001)
    except asyncio.TimeoutError:
        return a + b


def add(a, b):
    asyncio.run(asyncio.sleep(0))
    return asyncio.run(work(a, b))
