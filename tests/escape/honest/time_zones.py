# expect: correct
# form: calls
# needs: mntns|landlock
# Zones of the library's own data.
from datetime import datetime
from zoneinfo import ZoneInfo


def add(a, b):
    assert datetime(2024, 7, 1, tzinfo=ZoneInfo("Europe/Paris")).utcoffset().seconds == 7200
    return a + b
