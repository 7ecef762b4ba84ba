# expect: correct
# form: printed
# The whole program in a thread with a large stack.
import sys
import threading


def main():
    a, b = map(int, sys.stdin.read().split())
    print(a + b)
    print(a * b)


sys.setrecursionlimit(1 << 25)
threading.stack_size(1 << 25)
thread = threading.Thread(target=main)
thread.start()
thread.join()
