"""The one exception that says: the input is wrong, and here is the remedy."""


class InputError(ValueError):
    """A mistake of the user's: one line that names what is wrong, where, both values, the remedy.

    The command line prints it without a traceback and exits with status 2. Any other exception is a
    defect of ours and keeps its traceback (status 1).
    """
