# expect: fails-tests
# form: stdio tokens spread decimal
# Bytes that are no text.
import os

os.write(1, b"\xff\xfe3\n\xc3(\n")
