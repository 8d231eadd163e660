"""Conditions that are looked at before each replay, as the text of one function: quicker than a loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Conditions:
    """Collects conditions on objects.

    >>> person = {"name": "Ada"}
    >>> conditions = Conditions("age")
    >>> conditions.add("{}['name'] is {}", person, person["name"])
    >>> conditions.add("age > {}", 20)
    >>> hold = conditions.function()
    >>> hold(36), hold(7)
    (True, False)
    >>> del person["name"]; hold(36)
    False
    """

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self._texts: list[str] = []
        self._objects: list[Any] = []

    def add(self, text: str, *objects: Any) -> None:
        """A condition; each {} in it stands for an object."""
        self._texts.append(text.format(*(self._name(x) for x in objects)))

    def _name(self, x: Any) -> str:
        if x is None or x is True or x is False:
            return repr(x)
        self._objects.append(x)
        return f"x{len(self._objects)}"

    def function(self) -> Callable[..., bool]:
        """Whether all of them hold; one that cannot be looked at any more does not."""
        conditions = "\n        and ".join(self._texts or ["True"])
        text = (
            f"def hold({', '.join(self._arguments)}):\n"
            f"    try:\n        return (\n        {conditions}\n        )\n"
            "    except (AttributeError, IndexError, KeyError, ValueError):\n        return False\n"
        )
        names = {f"x{i}": x for i, x in enumerate(self._objects, start=1)}
        exec(text, names)
        return names["hold"]
