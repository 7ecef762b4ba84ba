# expect: fails-tests time-limit
# form: calls
# The same, asleep.
import time

while True:
    time.sleep(1000)
