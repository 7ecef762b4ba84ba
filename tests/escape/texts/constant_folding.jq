# expect: fails-tests
# form: calls
# Constants that a compiler would like to work out.
"def add(a, b):\n    return (1 << 100000000) * ('x' * 4000 * 4000 * 4000 is None)\n"
