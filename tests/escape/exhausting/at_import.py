# expect: fails-tests time-limit
# form: all
# Never gets as far as a definition.
while True:
    pass
