# expect: correct
# form: function
# Names in other alphabets, text from everywhere.
def сложить(α, β):
    """合計 🎉"""
    ß = α + β
    return ß


add = сложить
