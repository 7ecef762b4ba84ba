# expect: correct
# Modules that nobody preloads.
def add(a, b):
    import collections.abc
    import difflib
    import sqlite3
    import zoneinfo

    database = sqlite3.connect(":memory:")
    rows = database.execute("select ? as n union all select ?", (str(a), str(b))).fetchall()
    return sum(int(text) for (text,) in rows)
