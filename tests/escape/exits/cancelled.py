# expect: fails-tests
# form: calls
# Raises what an event loop would swallow.
import asyncio


async def add(a, b):
    asyncio.current_task().cancel()
    await asyncio.sleep(0)
    raise asyncio.CancelledError
