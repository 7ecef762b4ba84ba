# expect: correct
# form: helpers borrowed
# Imports what the tests will want.
import collections
import math
from collections import Counter, defaultdict
from functools import *
from math import *


def add(a, b):
    return a + b
