"""What must hold in the panel whatever was done: every figure shown is that of the scene as it is now."""

from MedFusionLib.Workflow.Parameters import registrationOf, tumorCenter
from MedFusionLib.Workflow.RegistrationTexts import registrationCard
from MedFusionLib.Workflow.Texts import measurementRows
from MedFusionLib.Workflow.TumorTexts import tumorCard
from PanelTestCase import PanelTestCase

ROLES = (
    *("fixedVolume", "movingVolume", "fixedLandmarks", "movingLandmarks", "fusedVolume"),
    *("tumorVolume", "tumorInside", "tumorOutside", "tumorScribbles", "segmentation"),
)


def rolesOf(case: PanelTestCase) -> dict[str, str | None]:
    """Return the IDs of the nodes in the panel's roles; none while another module is open."""
    parameters = case.panel.parameterNode
    if parameters is None:
        return {}
    nodes = {role: getattr(parameters, role) for role in ROLES}
    return {role: node.GetID() if node is not None else None for role, node in nodes.items()}


def checkRoles(case: PanelTestCase, before: dict[str, str | None], mayFill: frozenset[str], action: str) -> None:
    """Assert that no role was filled by itself, and that what fills one is in the scene."""
    for role, nodeID in rolesOf(case).items():
        if nodeID is None:
            continue
        case.assertIsNotNone(case.scene.GetNodeByID(nodeID), f"after {action} {role} is not in the scene")
        if nodeID != before.get(role) and role not in mayFill:
            case.fail(f"{action} put {nodeID} into the role {role}, where {before.get(role)} was")


def checkFigures(case: PanelTestCase, action: str) -> None:
    """Compare table and cards with a fresh measurement and with fresh texts."""
    ui, steps, parameters = case.ui, case.panel.logic.steps, case.parameters
    rows, card = [], ""
    if parameters.segmentation is not None and parameters.tumorVolume is not None:
        try:
            tumor = steps.outline(parameters)
            if tumor is not None:
                rows = measurementRows(steps.measured(tumor))
                card = tumorCard(tumor, steps.isOutlineOutOfDate(parameters))
        except (ValueError, RuntimeError):
            rows, card = [], ui.tumorCard.text
    table = ui.measurementTable
    shown = [tuple(table.item(r, c).text() for c in range(table.columnCount)) for r in range(table.rowCount)]
    case.assertEqual(shown, rows, f"after {action} the table is stale")
    case.assertEqual(ui.tumorCard.text, card, f"after {action} the tumor card is stale")
    transformNode = registrationOf(parameters.movingVolume)
    card = ""
    if transformNode is not None:
        isOutOfDate = steps.isRegistrationOutOfDate(parameters)
        card = registrationCard(steps.resultOf(transformNode), tumorCenter(parameters), isOutOfDate)
    case.assertEqual(ui.registrationCard.text, card, f"after {action} the card of the registration is stale")
    _checkFit(case, action)


def _checkFit(case: PanelTestCase, action: str) -> None:
    parameters = case.parameters
    if parameters.fixedLandmarks is None or parameters.movingLandmarks is None or not case.ui.landmarkTable.rowCount:
        return
    try:
        fit = case.panel.logic.steps.liveFit(parameters)
    except (ValueError, RuntimeError):
        case.assertNotIn("FRE", case.ui.fitLabel.text, f"after {action} a fit is shown that there is not")
        return
    case.assertIn(f"FRE {fit.fre:.2f} mm", case.ui.fitLabel.text, f"after {action} the fit is stale")
    for row, (label, residual) in enumerate(zip(fit.labels, fit.residuals, strict=True)):
        shown = {case.tableText(n, 0): case.tableText(n, 3) for n in range(case.ui.landmarkTable.rowCount)}
        case.assertEqual(shown.get(label), f"{residual:.1f}", f"after {action} row {row} is stale")
