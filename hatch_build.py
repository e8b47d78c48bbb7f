"""Puts labeled/ and models/default inside the wheel; an editable install reads them where they are."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class DataFiles(BuildHookInterface):
    """Adds the data files that `classifier.resources` looks for."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the data of a wheel, not of an editable install."""
        if version == "standard":
            build_data["force_include"] |= {
                "labeled": "classifier/data/labeled",
                "models/default": "classifier/data/models/default",
            }
