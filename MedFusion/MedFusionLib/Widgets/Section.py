"""What the sections of the panel have in common."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from MedFusion import MedFusionWidget


class Section:
    """Connect and mirror one card; a section overrides what it needs."""

    def __init__(self, panel: "MedFusionWidget") -> None:
        self._panel, self._ui = panel, panel.ui

    def enter(self) -> None:
        """Begin to follow the panel's parameter node."""

    def leave(self) -> None:
        """Let go of the parameter node and of whatever was begun with it."""

    def cleanup(self) -> None:
        """Let go of everything, because the panel goes."""
        self.leave()

    def update(self) -> None:
        """Show what the parameter node says now."""
