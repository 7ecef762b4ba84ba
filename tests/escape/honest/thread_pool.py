# expect: correct
# concurrent.futures, imported late.
def add(a, b):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(lambda n: n, [a, b]))
