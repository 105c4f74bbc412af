"""The page: five cards beside the views. What they do is in Page."""

import inspect
from collections.abc import Awaitable, Callable

from trame.ui.vuetify3 import VAppLayout
from trame.widgets import client, html
from trame.widgets import vuetify3 as v
from trame_server import Server

from ..Workflow.Parameters import FusionChoice, RegistrationModel, TumorChoice
from .Page import Page
from .PageOverlay import Overlay

_WIDTH = 380
# The pictures must not widen the places that they are drawn for.
_STYLE = """
.layout-grid-container, .layout-grid-container div { min-width: 0; min-height: 0; }
.layout-grid-item { overflow: hidden; } html { overflow: hidden !important; }
:focus-visible { outline: 3px solid #1867c0; outline-offset: 1px; }
"""
_METHODS = (TumorChoice.line, TumorChoice.click, TumorChoice.automatic, TumorChoice.strokes)


def buildPage(server: Server, page: Page, isUploadAllowed: bool) -> None:
    """Build the page of a server."""
    server.state.update(
        {
            "trame__title": "MedFusion",
            "trame__favicon": "data:,",
            "card": 0,
            "layout": "comparison",
            "adjustsWindow": False,
            "chosenCt": None,
            "chosenMri": None,
            "chosenResult": None,
            "chosenList": None,
            "placing": "",
            "model": RegistrationModel.rigid.name,
            "refine": False,
            "auto": False,
            "goesOn": False,
            "fusionMethod": FusionChoice.selective.name,
            "ctChanges": False,
            "blend": 50,
            "isFlickering": False,
            "overlay": Overlay.blend.name,
            "tumorMethod": TumorChoice.line.name,
            "pointing": "",
            "outputName": "results",
            "replace": False,
            "saveDicom": False,
            "saved": "",
        }
    )
    with VAppLayout(server) as layout:
        client.Style(_STYLE)
        with v.VNavigationDrawer(permanent=True, width=_WIDTH, tag="nav"):
            html.H1("MedFusion", classes="text-h6 pa-2")
            _messages(page)
            with v.VExpansionPanels(v_model=("card",), variant="accordion"):
                for title, fill in (
                    ("1. Volumes", lambda: _volumes(page, isUploadAllowed)),
                    ("2. Landmarks", lambda: _landmarks(page)),
                    ("3. Register", lambda: _register(page)),
                    ("4. Fuse", lambda: _fuse(page)),
                    ("5. Tumor and results", lambda: _tumor(page)),
                ):
                    _card(title, fill)
            html.P("A research tool, not a medical device.", classes="text-caption pa-2")
        with v.VMain(), html.Div(style=f"position: fixed; inset: 0 0 0 {_WIDTH}px; display: flex;"):
            page.views.layouts.initialize_layout_grid(layout)
            with (
                v.VOverlay(
                    model_value=("busy !== ''",), persistent=True, contained=True, classes="align-center justify-center"
                ),
                v.VCard(width=320, classes="pa-4"),
            ):
                html.Div("{{ busy }} … {{ progressText }}", role="status")
                v.VProgressLinear(model_value=("progress",), height=8, classes="my-2", aria_label="Progress")
                _button("Cancel", page.work.cancel)


def _ofNow(page: Page, part: str, command: str) -> Callable[..., Awaitable[None]]:
    """Return a command of a part of the page that is made anew with every scene."""

    async def call(*given: object) -> None:
        result = getattr(getattr(page, part), command)(*given)
        if inspect.isawaitable(result):
            await result

    return call


def _card(title: str, fill: Callable[[], None]) -> None:
    with v.VExpansionPanel():
        v.VExpansionPanelTitle(title)
        with v.VExpansionPanelText(eager=True):
            fill()


def _messages(page: Page) -> None:
    v.VAlert("{{ error }}", v_if=("error",), type="error", density="compact", classes="ma-2", role="alert")
    v.VAlert("{{ note }}", v_if=("note",), type="info", density="compact", classes="ma-2", role="status")
    with html.Div(classes="pa-2", v_if=("isFused",)):
        _button("CT and MRI", page.showComparison)
        _button("Fused", page.showFused)
    with html.Div(classes="px-2", v_if=("ctName",)):
        _button("{{ adjustsWindow ? 'Mouse: brightness' : 'Mouse: view' }}", page.toggleWindowing)
        _button("Fit", page.fit)


def _button(text: str, click: object, **options: object) -> None:
    v.VBtn(text, click=click, size="small", classes="mr-1 mb-1", **options)


def _select(label: str, model: str, items: object) -> None:
    v.VSelect(label=label, v_model=(model,), items=items, density="compact", hide_details=True, classes="mb-2")


def _volumes(page: Page, isUploadAllowed: bool) -> None:
    html.P("{{ ctName ? `CT: ${ctName}, MRI: ${mriName}` : 'Nothing is open.' }}", classes="mb-2")
    _button("Synthetic head", page.openPhantom)
    _select("CT", "chosenCt", ("files",))
    _select("MRI", "chosenMri", ("files",))
    _button("Open both", (page.openVolumes, "[chosenCt, chosenMri]"), disabled=("!chosenCt || !chosenMri",))
    with html.Div(v_if=("results.length",), classes="mt-3"):
        _select("Result folder", "chosenResult", ("results",))
        _button("Open the result", (page.openResult, "[chosenResult]"), disabled=("!chosenResult",))
    if isUploadAllowed:
        with html.Form(action="/upload", method="post", enctype="multipart/form-data", target="upload", classes="mt-3"):
            html.Input(type="file", name="file", required=True, aria_label="File to upload")
            v.VBtn("Upload", type="submit", size="small")
        html.Iframe(name="upload", style="width: 100%; height: 3rem; border: 0;", title="Upload")
        _button("Look again", page.refresh)


def _landmarks(page: Page) -> None:
    _button("{{ placing ? 'Stop placing' : 'Place pairs' }}", _ofNow(page, "landmarks", "place"), disabled=("!ctName",))
    _button("Undo", _ofNow(page, "landmarks", "undo"), disabled=("!canUndo",))
    html.P("{{ placing }}", v_if=("placing",), role="status", classes="font-weight-bold")
    with html.Table(v_if=("pairs.length",), style="width: 100%; border-spacing: 0 2px;", id="pairs"):
        with html.Thead(), html.Tr():
            for title in ("Use", "Pair", "mm", ""):
                html.Th(title, style="text-align: left;")
        with html.Tbody(), html.Tr(v_for="(pair, index) in pairs", key="index"):
            with html.Td():
                html.Input(
                    type="checkbox",
                    checked=("pair.isUsed",),
                    change=(_ofNow(page, "landmarks", "use"), "[index, $event.target.checked]"),
                    aria_label=("`Use ${pair.label}`",),
                )
            with html.Td():
                html.Input(
                    value=("pair.label",),
                    change=(_ofNow(page, "landmarks", "rename"), "[index, $event.target.value]"),
                    focus=(_ofNow(page, "landmarks", "jumpTo"), "[index]"),
                    aria_label=("`Name of ${pair.label}`",),
                    style="width: 100%; color: inherit;",
                )
            html.Td("{{ pair.isWhole ? pair.residual + (pair.isSuspect ? ' check' : '') : 'one side' }}")
            with html.Td():
                v.VBtn(
                    "Delete",
                    size="x-small",
                    click=(_ofNow(page, "landmarks", "delete"), "[index]"),
                    aria_label=("`Delete ${pair.label}`",),
                )
    html.Div(v_html=("fit",), id="fit", classes="mt-2")
    with html.Div(v_if=("ctName",), classes="mt-2"):
        _button("Error at a point", _ofNow(page, "targets", "place"))
        _button("Clear points", _ofNow(page, "targets", "clear"), v_if=("targets.length",))
        with html.Ul(v_if=("targets.length",), id="targets", style="list-style: none;"):
            html.Li("{{ target[0] }}: {{ target[1] }}", v_for="target in targets", key="target[0]")
    with html.Div(v_if=("lists.length && ctName",), classes="mt-3"):
        _select("File with landmarks", "chosenList", ("lists",))
        for role, text in (("fixedLandmarks", "For the CT"), ("movingLandmarks", "For the MRI")):
            _button(text, (_ofNow(page, "landmarks", "load"), f"['{role}', chosenList]"), disabled=("!chosenList",))


def _register(page: Page) -> None:
    _select("Model", "model", ("models", [{"title": m.label(), "value": m.name} for m in RegistrationModel]))
    v.VCheckbox(label="Refine by the images", v_model=("refine",), density="compact", hide_details=True)
    v.VCheckbox(label="Without landmarks", v_model=("auto",), density="compact", hide_details=True)
    v.VCheckbox(label="Continue anyway", v_model=("goesOn",), density="compact", hide_details=True)
    _button("Register", page.register, disabled=("!ctName",), id="register")
    html.Div(v_html=("registration",), id="registration", classes="my-2")
    with html.Div(v_if=("isRegistered",)):
        v.VSlider(
            label="MRI over CT",
            model_value=("blend",),
            end=(_ofNow(page, "overlay", "setBlend"), "[$event]"),
            min=0,
            max=100,
            hide_details=True,
        )
        _button("{{ isFlickering ? 'Stop flicker' : 'Flicker' }}", _ofNow(page, "overlay", "flicker"))
        kinds = [{"title": kind.value, "value": kind.name} for kind in Overlay]
        v.VSelect(
            label="Over the CT",
            model_value=("overlay",),
            update_modelValue=(_ofNow(page, "overlay", "choose"), "[$event]"),
            items=("overlays", kinds),
            density="compact",
            hide_details=True,
        )


def _fuse(page: Page) -> None:
    methods = [{"title": m.label(), "value": m.name} for m in FusionChoice]
    _select("Method", "fusionMethod", ("fusionMethods", methods))
    v.VCheckbox(label="Show changes of density", v_model=("ctChanges",), density="compact", hide_details=True)
    _button("Fuse", page.fuse, disabled=("!isRegistered",), id="fuse")
    html.P("Register first.", v_if=("!isRegistered",))


def _tumor(page: Page) -> None:
    _select("Method", "tumorMethod", ("methods", [{"title": m.label(), "value": m.name} for m in _METHODS]))
    _button("Draw a line", (page.point, "['line']"), v_if=("tumorMethod === 'line'",))
    _button("Point inside", (page.point, "['inside']"), v_if=("['click', 'strokes'].includes(tumorMethod)",))
    _button("Point outside", (page.point, "['outside']"), v_if=("tumorMethod === 'strokes'",))
    _button("Clear", page.clearPointing)
    html.P("{{ pointing ? 'Click into the MRI.' : pointed }}", role="status")
    _button("Outline", page.outline, disabled=("!mriName",), id="outline")
    with html.Table(v_if=("tumorRows.length",), style="width: 100%;", id="tumor"):
        with html.Thead(), html.Tr():
            for title in ("Segment", "ml", "3D mm", "RANO mm"):
                html.Th(title, style="text-align: left;")
        with html.Tbody(), html.Tr(v_for="row in tumorRows", key="row[0]"):
            html.Td("{{ cell }}", v_for="(cell, index) in row", key="index")
    html.P("{{ tumorNote }}", v_if=("tumorNote",))
    html.Div(v_html=("tumorText",), id="verdict", classes="my-2")
    _button("Accept the outline", _ofNow(page, "outlines", "accept"), v_if=("canAccept",))
    _button("{{ otherOutline }}", _ofNow(page, "outlines", "exchange"), v_if=("otherOutline",), id="other")
    _button(
        "{{ isSecondShown ? 'Hide the second method' : 'Show the second method' }}",
        _ofNow(page, "outlines", "toggleSecond"),
        v_if=("hasSecond",),
    )
    v.VTextField(label="Name of the result folder", v_model=("outputName",), density="compact", classes="mt-3")
    v.VCheckbox(label="Replace an existing one", v_model=("replace",), density="compact", hide_details=True)
    v.VCheckbox(label="As DICOM, too", v_model=("saveDicom",), density="compact", hide_details=True)
    _button("Save results", (page.save, "[outputName, replace]"), disabled=("!isFused",), id="save")
    with html.Div(v_if=("saved",), classes="mt-2"):
        html.A("Open the report", href="/report.html", target="_blank", classes="mr-3")
        html.A("Download all (.zip)", href="/results.zip", download=True)
