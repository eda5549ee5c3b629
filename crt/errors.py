"""The errors of this package. Every message is one sentence with what to do."""


class CrtError(Exception):
    """Base of all errors that a caller can put right; the app shows the message as it is."""


class InvalidImage(CrtError):
    """The image cannot be used: not an image, damaged, too large, or of an unusable shape."""


class InvalidCheckpoint(CrtError):
    """The checkpoint folder is missing, damaged, or does not fit the model it names."""


class InvalidDataset(CrtError):
    """The data on disk is incomplete or contradicts itself; the message lists every problem found."""


class InvalidCam(CrtError, ValueError):
    """A file of another method's CAM cannot be used: not a map, damaged, too large, or of an unusable shape."""


class InvalidSetting(CrtError, ValueError):
    """A setting is outside its range or contradicts another."""


def reason_of(error: BaseException) -> str:
    """The message of an exception, as a part of a sentence.

    Args:
        error: of a CrtError the whole text is taken; of another exception the first line, of an OSError the
            system's message, and of a KeyError what is missing.

    Returns:
        One line without a full stop at its end, never empty: an exception without words is called by its type.
    """
    if isinstance(error, CrtError):
        text = " ".join(str(error).split())
    elif isinstance(error, OSError) and len(error.args) > 1:
        text = str(error.strerror)
    elif isinstance(error, KeyError) and error.args:
        text = f"there is no {error.args[0]!r}"
    else:
        text = next((line for line in str(error).splitlines() if line.strip()), "")
    text = text.strip().rstrip(".").rstrip()
    return text if text not in ("", "None") else type(error).__name__


def count_of(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: "1 map", "2 maps", "0 maps".

    Args:
        number: how many.
        noun: of one.
        plural: where it is not the noun with an s.

    Returns:
        Both with a blank between them.
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
