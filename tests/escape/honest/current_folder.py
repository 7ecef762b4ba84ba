# expect: correct
# form: calls
# needs: mntns|landlock
# Writes beside itself.
def add(a, b):
    with open("numbers.txt", "w", encoding="utf-8") as file:
        file.write(f"{a}\n{b}\n")
    with open("numbers.txt") as file:
        return sum(int(line) for line in file)
