# expect: correct
# form: calls
# Through text and back.
import csv
import io
import json


def add(a, b):
    text = io.StringIO()
    csv.writer(text).writerow([a, b])
    text.seek(0)
    left, right = next(csv.reader(text))
    return json.loads(json.dumps({"sum": int(left) + int(right)}))["sum"]
