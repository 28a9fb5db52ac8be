"""Why something that was billed is taken back: on the credit CDR and on the credit note."""

CREDIT_REASONS = [
    ("energy", "Wrong energy"),
    ("time", "Wrong time"),
    ("price", "Wrong price"),
    ("payer", "Wrong payer"),
    ("double", "Billed twice"),
    ("not_charged", "Nothing was charged"),
    ("dispute", "Objection of the customer"),
    ("goodwill", "Goodwill"),
    ("other", "Other"),
]
