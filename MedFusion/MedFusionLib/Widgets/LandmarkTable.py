"""The table of pairs: one row each, with what the fit says about it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import qt

from ..Workflow.LandmarkLists import LandmarkLists, PairRow, isDefined
from ..Workflow.Translation import tr as _

if TYPE_CHECKING:
    from ..Core.Registration.RegistrationResult import RegistrationResult

_LABEL, _FIXED, _MOVING, _RESIDUAL, _LEFT_OUT, _FLAG = _COLUMNS = range(6)
# Pixels, so that the table fits a panel of 364.
_FIXED_WIDTHS = {_RESIDUAL: 44, _LEFT_OUT: 44, _FLAG: 22}
_ROW_HEIGHT = 24
# The positions are in the tooltips: as text they would leave no room for the pair's name.
_PLACED, _MISSING = "✓", "–"
# Residuals from these multiples of the FRE on are tinted; transparent colors suit the light and the dark theme.
_TINTS = ((1.8, (220, 60, 40, 90)), (1.3, (230, 160, 30, 80)))


class LandmarkTable:
    """Fill the table widget and tell what the user does in it."""

    def __init__(
        self,
        widget: qt.QTableWidget,
        onSelected: Callable[[], None],
        onUsed: Callable[[int, bool], None],
        onRenamed: Callable[[int, str], None],
    ) -> None:
        self._widget, self._onUsed, self._onRenamed = widget, onUsed, onRenamed
        self._isFilling = False
        widget.setColumnCount(len(_COLUMNS))
        widget.setHorizontalHeaderLabels([_("Pair"), _("CT"), _("MRI"), _("Resid."), _("Omit."), ""])
        for column, tip in (
            (_LABEL, _("The pair's name; untick it to leave the pair out of the fit.")),
            (_FIXED, _("Whether the point is placed in the CT; hover over it for its position.")),
            (_MOVING, _("Whether the point is placed in the MRI; hover over it for its position.")),
            (
                _RESIDUAL,
                _("Distance in mm that remains between the two points after the fit; its root mean square is the FRE."),
            ),
            (_LEFT_OUT, _("Leave-one-out error: distance that remains when the fit is made without this pair, in mm.")),
            (_FLAG, _("Pairs that do not fit the others.")),
        ):
            widget.horizontalHeaderItem(column).setToolTip(tip)
        widget.verticalHeader().visible = False
        header = widget.horizontalHeader()
        header.setMinimumSectionSize(20)
        for column in _COLUMNS:
            header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(_LABEL, qt.QHeaderView.Stretch)
        for column, width in _FIXED_WIDTHS.items():
            header.setSectionResizeMode(column, qt.QHeaderView.Fixed)
            widget.setColumnWidth(column, width)
        widget.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        widget.connect("itemChanged(QTableWidgetItem*)", self._onItemChanged)
        widget.connect("itemSelectionChanged()", onSelected)

    def currentRow(self) -> int:
        """Return the selected row, or -1."""
        rows = [index.row() for index in self._widget.selectionModel().selectedRows()]
        return rows[0] if rows else -1

    def select(self, row: int) -> None:
        """Select a row."""
        self._widget.selectRow(row)

    def show(self, rows: list[PairRow], lists: LandmarkLists, fit: "RegistrationResult | None") -> None:
        """Show the pairs with the errors of the fit."""
        errors = self._errors(fit)
        self._isFilling = True
        try:
            if self._widget.rowCount != len(rows):
                self._widget.setRowCount(len(rows))
            for number, row in enumerate(rows):
                self._showRow(number, row, lists, errors.get(row.label), fit)
        finally:
            self._isFilling = False

    @staticmethod
    def _errors(fit: "RegistrationResult | None") -> dict[str, tuple[float, float | None, bool]]:
        """Return residual, error when left out, and outlier flag by label."""
        if fit is None:
            return {}
        measured = fit.measurements()
        leftOut, outliers = measured.get("loo_mm", {}), measured.get("outliers", ())
        return {
            label: (float(residual), leftOut.get(label), label in outliers)
            for label, residual in zip(fit.labels, fit.residuals, strict=True)
        }

    def _showRow(
        self, number: int, row: PairRow, lists: LandmarkLists, error: tuple | None, fit: "RegistrationResult"
    ) -> None:
        label = self._item(number, _LABEL, row.label)
        label.setToolTip(row.label)
        label.setFlags(label.flags() | qt.Qt.ItemIsUserCheckable | qt.Qt.ItemIsEditable)
        label.setCheckState(qt.Qt.Checked if lists.isUsed(row) else qt.Qt.Unchecked)
        for column, node, index in (
            (_FIXED, lists.fixed, row.fixedIndex),
            (_MOVING, lists.moving, row.movingIndex),
        ):
            text, tip = _MISSING, _("Select the row and place this point.")
            if isDefined(node, index):
                position = node.GetNthControlPointPositionWorld(index)
                text = _PLACED
                tip = _("RAS {position} mm").format(position=", ".join(f"{value:.1f}" for value in position))
            item = self._item(number, column, text)
            item.setToolTip(tip)
            item.setFlags(item.flags() & ~qt.Qt.ItemIsEditable)
        residual, leftOut, isOutlier = error or (None, None, False)
        texts = {
            _RESIDUAL: "" if residual is None else f"{residual:.1f}",
            _LEFT_OUT: "" if leftOut is None else f"{leftOut:.1f}",
            _FLAG: "⚠" if isOutlier else "",
        }
        tint = qt.QBrush()
        if residual is not None and fit.fre > 0:
            color = next((color for factor, color in _TINTS if isOutlier or residual > factor * fit.fre), None)
            tint = qt.QBrush(qt.QColor(*color)) if color else tint
        for column, text in texts.items():
            item = self._item(number, column, text)
            item.setFlags(item.flags() & ~qt.Qt.ItemIsEditable)
            item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
            item.setBackground(tint)
            item.setToolTip(_("This pair does not fit the others; look at both points.") if isOutlier else "")

    def _item(self, row: int, column: int, text: str) -> qt.QTableWidgetItem:
        item = self._widget.item(row, column)
        if item is None:
            item = qt.QTableWidgetItem()
            self._widget.setItem(row, column, item)
        if item.text() != text:
            item.setText(text)
        return item

    def _onItemChanged(self, item: qt.QTableWidgetItem) -> None:
        if self._isFilling or item.column() != _LABEL:
            return
        row = item.row()
        self._onUsed(row, item.checkState() == qt.Qt.Checked)
        self._onRenamed(row, item.text())
