# expect: correct
# form: calls
# An encoding by its own account, and a line for a shell.
"#!/usr/bin/env python3\n# -*- coding: latin-1 -*-\n# \u00e9\ndef add(a, b):\n    return a + b\n"
