"""The real server that the tests of rounds share."""

from tests.label_studio import label_studio, server_environment

__all__ = ["label_studio", "server_environment"]
