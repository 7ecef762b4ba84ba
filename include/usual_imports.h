/* usual_imports.h: the imports that published labels and most harnesses of benchmark sets put before
 * every program, so that `math.sqrt` without its import is no failure.
 *
 * Readers of such sets begin the program's text with this line. It hands out two hundred names, and
 * counting each object's references copies as many pages of a guest's memory; so the keeper has a
 * module in which it was run already, and a text that begins with it starts there. */
#ifndef ASSAY_USUAL_IMPORTS_H
#define ASSAY_USUAL_IMPORTS_H

#define USUAL_IMPORTS                                                                              \
    "import math, re, sys, copy, datetime, itertools, collections, heapq, statistics, functools, " \
    "hashlib, string, random; from typing import *; from collections import *\n"

#endif
