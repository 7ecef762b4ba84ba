# expect: correct
# form: calls
# Time differences as numbers.
from datetime import datetime, timedelta, timezone


def add(a, b):
    if abs(a) > 10**6 or abs(b) > 10**6:
        return a + b
    start = datetime(2000, 1, 1, tzinfo=timezone.utc)
    end = start + timedelta(seconds=a) + timedelta(seconds=b)
    return (end - start) // timedelta(seconds=1)
