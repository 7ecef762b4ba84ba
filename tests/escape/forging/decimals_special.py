# expect: fails-tests
# form: decimal
# Numbers that are near to everything.
for text in ("nan", "inf", "-inf", "1e400", "infinity"):
    print(text)
