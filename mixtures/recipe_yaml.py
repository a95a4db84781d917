"""YAML as recipes are written: a field that stands twice is a mistake, as is a date of no day."""

from typing import Any

import yaml

from imagewikiqa.core.errors import ToolkitError


class _TwiceError(yaml.MarkedYAMLError):
    """A name that stands twice in one group of fields."""


class _Once(yaml.SafeLoader):
    """Refuses what plain YAML loaders do: to keep the last of two fields of one name."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set[str]()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise _TwiceError(problem=key.value, problem_mark=key.start_mark)
                seen.add(key.value)
        return node


def read_yaml(name: str, text: str) -> object:
    """Return what a YAML text says; `name` is what errors call it.

    Raises ToolkitError for what is no YAML, and for a field that stands twice.
    """
    try:
        return _Once(text).get_single_data()
    except _TwiceError as error:
        raise ToolkitError(f"{name} has {error.problem!r} twice{_line(error)}: keep one") from error
    except yaml.YAMLError as error:
        raise ToolkitError(f"{name} is not YAML{_line(error)}: correct it") from error
    except ValueError as error:  # of what looks like a date, as in 2026-02-30
        raise ToolkitError(
            f"{name} holds a date or number that cannot be ({error}): write it in quotes"
        ) from error


def _line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" at line {mark.line + 1}" if mark else ""
