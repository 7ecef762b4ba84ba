# expect: fails-tests
# form: calls
# Threads with stacks as large as they may be.
import threading
import time

threading.stack_size(1 << 30)


def add(a, b):
    while True:
        threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
