# expect: fails-tests
# Reads what it should not.
def add(a, b):
    for path in ("/etc/shadow", "/proc/1/environ", "/proc/self/maps", "/root/.ssh/id_rsa", "/etc/passwd"):
        try:
            with open(path) as file:
                if file.read():
                    return a + b
        except OSError:
            continue
    return None
