# expect: correct
# Modules that nobody preloads.
def add(a, b):
    import collections.abc
    import difflib
    import sqlite3
    import zoneinfo

    database = sqlite3.connect(":memory:")
    return database.execute("select ? + ?", (a, b)).fetchone()[0]
