"""The error of the image builds."""


class ImageError(Exception):
    """A failed build; the message gives the cause and the next step."""
