"""The one error of the image builds."""


class ImageError(Exception):
    """What could not be built, its likely cause and the next step."""
