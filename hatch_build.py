"""A step of the build: the files of the page's viewer come into the wheel, if they are here or can be fetched."""

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SITE = Path("src", "vistadream", "service", "site", "viewer.py")
LIB = Path("src", "vistadream", "service", "page", "lib")


class ViewerHook(BuildHookInterface):
    """Runs before the files of a wheel are listed. Without npm or a network the page works without its viewer."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetches what is missing; an editable install uses the checkout, where `vistadream download viewer` does."""
        if version == "editable":
            return
        root = Path(self.root)
        viewer = _loaded(root / SITE)
        try:
            viewer.fetch_viewer(root / LIB)
        except viewer.ViewerError as error:
            self.app.display_warning(f"the wheel has no viewer for its page: {error}")


def _loaded(file: Path) -> Any:
    """The module of a file, as the package that it is part of is not installed in a build."""
    spec = importlib.util.spec_from_file_location("viewer", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
