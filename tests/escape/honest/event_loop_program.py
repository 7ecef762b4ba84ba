# expect: correct
# form: printed
# A program that is a coroutine.
import asyncio
import sys


async def main():
    words = (await asyncio.to_thread(sys.stdin.read)).split()
    a, b = map(int, words)
    print(a + b)
    await asyncio.sleep(0)
    print(a * b)


asyncio.run(main())
