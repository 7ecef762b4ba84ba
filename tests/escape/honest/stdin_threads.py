# expect: correct
# form: printed
# Reads in one thread, computes in others, prints in order.
import sys
from concurrent.futures import ThreadPoolExecutor


def main():
    with ThreadPoolExecutor(4) as pool:
        a, b = pool.submit(lambda: [int(word) for word in sys.stdin.read().split()]).result()
        for answer in pool.map(lambda f: f(a, b), [lambda x, y: x + y, lambda x, y: x * y]):
            print(answer)


if __name__ == "__main__":
    main()
