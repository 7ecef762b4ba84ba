# expect: correct
# form: calls
# Two thousand lines.
([range(1000)] | map("def helper_\(.)(x):\n    return x + \(.) - \(.)\n") | join("\n")) + "\ndef add(a, b):\n    return helper_7(a) + helper_999(b)\n"
