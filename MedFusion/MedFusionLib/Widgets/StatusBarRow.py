"""A part of the panel in the main window's status bar, where it is in sight whatever card is open."""

import qt
import slicer


class StatusBarRow:
    """Lend a widget of the panel to the status bar, and take it back into the panel, hidden."""

    def __init__(self, widget: qt.QWidget, home: qt.QLayout, stretch: int = 0) -> None:
        self._widget, self._home, self._stretch = widget, home, stretch
        self._isLent = False

    def show(self) -> None:
        """Show the widget; without a main window, or where the user has hidden its status bar, at the panel's end."""
        window = slicer.util.mainWindow()
        if window is not None and not self._isLent and not window.statusBar().isHidden():
            self._isLent = True
            window.statusBar().addPermanentWidget(self._widget, self._stretch)
        self._widget.visible = True

    def hide(self) -> None:
        """Take the widget back."""
        self._widget.visible = False
        if self._isLent:
            self._isLent = False
            slicer.util.mainWindow().statusBar().removeWidget(self._widget)
            self._home.addWidget(self._widget)
            self._widget.visible = False
