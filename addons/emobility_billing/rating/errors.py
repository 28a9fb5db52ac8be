"""What the engine raises. Every message is a sentence that a clerk can act on."""


class RatingError(ValueError):
    """Base of all errors of the engine."""


class FactsError(RatingError):
    """The facts of a session contradict themselves and cannot be priced."""


class TariffError(RatingError):
    """The tariff is not a valid tariff."""
