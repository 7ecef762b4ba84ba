# expect: correct
# form: calls
# Everything from everywhere.
from collections import *
from functools import *
from heapq import *
from itertools import *
from math import *
from operator import *
from string import *
from typing import *

plus = add


def add(a, b):
    return plus(a, b)
