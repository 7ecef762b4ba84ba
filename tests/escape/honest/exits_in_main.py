# expect: correct
# form: printed
# sys.exit(main()).
import sys


def main() -> int:
    a, b = map(int, sys.stdin.read().split())
    print(a + b)
    print(a * b)
    return 0


if __name__ == "__main__":
    sys.exit(main())
