"""What goes wrong on the way up, always with what to do."""


class DevError(Exception):
    """Something on this machine is missing or did not start; the message says what to do."""


class MissingError(DevError):
    """A program, a right or a file is missing."""


class NotReadyError(DevError):
    """Something did not become ready in time, or ended."""
