# expect: correct
# form: calls
# Tabs, a form feed, semicolons, continued lines.
"\u000cimport sys; x = 1; y = 2\ndef add(a, b):\n\tif a == b: c = a; return c + b\n\treturn a \\\n\t\t+ b;\n"
