# expect: correct
# form: calls
# Says much on the wrong stream.
import logging
import sys
import traceback
import warnings

logging.basicConfig(level=logging.DEBUG)
log = logging.getLogger(__name__)


def add(a, b):
    warnings.warn("deprecated", DeprecationWarning, stacklevel=2)
    log.debug("adding %s and %s", a, b)
    log.error("no error")
    print("to stderr", file=sys.stderr)
    try:
        raise KeyError(a)
    except KeyError:
        traceback.print_exc()
    return a + b
