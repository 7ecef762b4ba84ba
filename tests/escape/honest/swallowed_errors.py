# expect: correct
# form: calls
# Errors that are caught, bare and otherwise, and groups of them.
def add(a, b):
    try:
        try:
            raise ExceptionGroup("both", [ValueError(1), TypeError(2)])
        except* ValueError:
            pass
        except* TypeError:
            pass
        [][1]
    except IndexError:
        pass
    except:
        raise
    else:
        return None
    finally:
        done = True
    return a + b
