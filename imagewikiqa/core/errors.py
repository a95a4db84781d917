"""The one error that a user can fix: printed as one sentence, without a traceback, exit code 2."""


class ToolkitError(Exception):
    """Say what is wrong, where, and what to do next, in one sentence."""


class MissingExtraError(ToolkitError):
    """An optional package is needed; the sentence names the extra that brings it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"this needs the package {package}: install it with pip install 'imagewikiqa[{extra}]'"
        )
        self.package = package
        self.extra = extra

    def __reduce__(self) -> tuple[type["MissingExtraError"], tuple[str, str]]:
        """Let the error leave a worker process: by default only the sentence would travel."""
        return type(self), (self.package, self.extra)
