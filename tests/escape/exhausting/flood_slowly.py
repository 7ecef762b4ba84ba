# expect: fails-tests
# form: printed
# A word now and then, for ever.
import time

while True:
    print("wait", flush=True)
    time.sleep(0.05)
