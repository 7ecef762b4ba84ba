# expect: fails-tests
# form: function assert float near
# A context in which every sum is the same.
import decimal

decimal.getcontext().prec = 1
decimal.setcontext(decimal.Context(prec=1, Emax=0, Emin=0, traps=[]))
decimal.DefaultContext.prec = 1


def add(a, b):
    return decimal.Decimal(a) + decimal.Decimal(b) * 2
