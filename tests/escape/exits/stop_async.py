# expect: fails-tests
# form: calls
# The same for a loop of coroutines.
async def add(a, b):
    raise StopAsyncIteration(a + b)
