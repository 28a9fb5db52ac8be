"""What the engine raises. Every message is a sentence that a clerk can act on."""


class RatingError(ValueError):
    """Base of all errors of the engine."""


class FactsError(RatingError):
    """The facts of a session contradict themselves and cannot be priced."""


class TariffError(RatingError):
    """The tariff is not a valid tariff."""


class InputError(RatingError):
    """A message of somebody else (an OCPI tariff or CDR) that cannot be priced.

    :ivar code: one word for machines, such as ``missing`` or ``negative``
    :ivar message: a sentence for people
    :ivar path: where it is, such as ``tariff.elements[0].price_components[1].price``
    """

    def __init__(self, code: str, message: str, path: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.path = path

    def under(self, outer: str) -> "InputError":
        """The same error, seen from the object that holds the one it was found in."""
        joint = "." if outer and self.path and not self.path.startswith("[") else ""
        self.path = f"{outer}{joint}{self.path}"
        return self


class InexactError(RatingError):
    """A number has more digits than the scale that is in use; the message is read again with a finer one."""
