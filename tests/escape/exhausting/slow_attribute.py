# expect: fails-tests time-limit
# form: class
# Even looking at the answer takes for ever.
class Stack:
    def __getattribute__(self, name):
        while True:
            pass
