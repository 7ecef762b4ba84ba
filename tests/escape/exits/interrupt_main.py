# expect: fails-tests
# form: calls
# Interrupts the serving thread again and again.
import _thread
import threading


def interrupter():
    while True:
        _thread.interrupt_main()


threading.Thread(target=interrupter, daemon=True).start()


def add(a, b):
    return None
