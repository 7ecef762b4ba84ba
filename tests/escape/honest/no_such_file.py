# expect: correct
# form: calls
# Looks for a file that is not there, and does without.
import configparser
import os


def add(a, b):
    configuration = configparser.ConfigParser()
    configuration.read(["settings.ini", os.path.expanduser("~/.settings.ini")])
    try:
        open("data/input.txt").read()
    except OSError:
        pass
    return a + b
