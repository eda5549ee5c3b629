"""The errors of this package. Every message is one sentence that says what to do."""


class CrtError(Exception):
    """Base of all errors that a caller can put right; the app shows the message as it is."""


class InvalidImage(CrtError):
    """The picture cannot be used: not a picture, damaged, too large, or of an unusable shape."""


class InvalidCheckpoint(CrtError):
    """The checkpoint folder is missing, damaged, or does not fit the model it names."""


class InvalidDataset(CrtError):
    """The data on disk is incomplete or contradicts itself; the message lists every problem found."""


class InvalidSetting(CrtError, ValueError):
    """A setting is outside its range or contradicts another."""
