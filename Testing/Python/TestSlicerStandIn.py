"""The stand-in refuses what the running application does not have; else the panel's tests would prove nothing."""

import ast
import re
import unittest
from typing import Annotated
from xml.etree import ElementTree

import SlicerStandIn
from MedFusionTesting import PROJECT_ROOT

PANEL_FILES = [
    PROJECT_ROOT / "MedFusion" / "MedFusion.py",
    *sorted((PROJECT_ROOT / "MedFusion" / "MedFusionLib" / "Widgets").glob("*.py")),
]
UI_FILE = PROJECT_ROOT / "MedFusion" / "Resources" / "UI" / "MedFusion.ui"


class TestSlicerStandIn(unittest.TestCase):
    def setUp(self) -> None:
        self.app = SlicerStandIn.start()

    def test_misspelled_property_is_refused(self):
        import qt

        with self.assertRaises(AttributeError):
            qt.QPushButton().enabeld = False

    def test_unknown_signal_is_refused(self):
        import ctk
        import qt

        for widget, signal in ((qt.QPushButton(), "pushed()"), (ctk.ctkSliderWidget(), "valueChanged(int)")):
            with self.assertRaises(AttributeError):
                widget.connect(signal, print)

    def test_member_that_the_real_widget_lacks_cannot_be_given_to_a_stand_in(self):
        from SlicerStandIn import Widgets

        class ctkSliderWidget(Widgets.ctkSliderWidget):
            pass

        ctkSliderWidget.__module__ = Widgets.__name__
        ctkSliderWidget.jumpToMiddle = lambda self: None
        with self.assertRaisesRegex(TypeError, "jumpToMiddle"):
            Widgets._checkedAgainstCatalog(ctkSliderWidget)

    def test_properties_are_attributes_and_signals_reach_their_receiver(self):
        import qt

        box, seen = qt.QCheckBox("Show"), []
        box.connect("toggled(bool)", seen.append)
        box.checked = True
        self.assertEqual((box.text, seen), ("Show", [True]))

    def test_parameter_of_wrong_type_or_out_of_range_is_refused(self):
        import slicer
        from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

        @parameterNodeWrapper
        class Parameters:
            levels: Annotated[int, WithinRange(1, 6)] = 2

        parameters = Parameters(slicer.vtkMRMLScriptedModuleNode())
        self.assertEqual(parameters.levels, 2)
        for value, error in ((7, ValueError), ("two", TypeError), (None, ValueError)):
            with self.assertRaises(error):
                parameters.levels = value
        with self.assertRaises(AttributeError):
            parameters.level = 3

    def test_widget_that_slicer_cannot_bind_is_refused(self):
        import qt
        import slicer
        from slicer.parameterNodeWrapper import parameterNodeWrapper

        @parameterNodeWrapper
        class Parameters:
            name: str = ""

        gui = type("", (), {})()
        gui.box = qt.QSpinBox()
        gui.box.setProperty("SlicerParameterName", "name")
        with self.assertRaisesRegex(RuntimeError, "cannot bind a QSpinBox"):
            Parameters(slicer.vtkMRMLScriptedModuleNode()).connectGui(gui)


class TestPanelFiles(unittest.TestCase):
    """What can be read from the panel's files without running them."""

    def test_only_stdlib_slicer_vtk_and_qt_are_imported_at_startup(self):
        tree = ast.parse(PANEL_FILES[0].read_text(encoding="utf-8"))
        names = {
            name.partition(".")[0]
            for node in tree.body
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module])
        }
        self.assertLessEqual(names, {"collections", "enum", "os", "pathlib", "qt", "slicer", "sys", "typing", "vtk"})

    def test_every_control_has_a_tooltip(self):
        for widget in ElementTree.parse(UI_FILE).getroot().iter("widget"):
            if widget.get("class") in ("QLabel", "qMRMLWidget") and widget.find("property[@name='buddy']") is not None:
                continue
            if widget.get("class") != "qMRMLWidget":
                tip = widget.find("property[@name='toolTip']/string")
                self.assertIsNotNone(tip, widget.get("name"))
                self.assertRegex(tip.text, r"^[A-Z].+\.$", widget.get("name"))

    def test_texts_are_in_sentence_case(self):
        names = {"CT", "MRI", "Segment", "Editor", "3D"}
        for element in ElementTree.parse(UI_FILE).getroot().iter("property"):
            if element.get("name") == "text" and element.findtext("string"):
                words = re.findall(r"\w+", element.findtext("string").replace("&", ""))[1:]
                self.assertEqual([word for word in words if word[0].isupper() and word not in names], [])

    def test_no_two_controls_share_a_key(self):
        keys = []
        for element in ElementTree.parse(UI_FILE).getroot().iter("property"):
            if element.get("name") == "text":
                keys += re.findall(r"&(\w)", (element.findtext("string") or "").lower())
        self.assertEqual(sorted(keys), sorted(set(keys)))

    def test_tooltips_of_buttons_name_their_key(self):
        for widget in ElementTree.parse(UI_FILE).getroot().iter("widget"):
            text = widget.findtext("property[@name='text']/string") or ""
            key = re.search(r"&(\w)", text)
            if key and widget.get("class") in ("QPushButton", "QCheckBox"):
                tip = widget.findtext("property[@name='toolTip']/string")
                self.assertRegex(tip, rf"\((Alt\+{key[1].upper()}|Ctrl\+\w+)\)", widget.get("name"))

    def test_every_node_selector_is_connected_to_the_scene(self):
        root = ElementTree.parse(UI_FILE).getroot()
        selectors = {w.get("name") for w in root.iter("widget") if w.get("class").endswith("NodeComboBox")}
        wired = {wire.findtext("receiver") for wire in root.iter("connection")}
        self.assertEqual(selectors, wired)

    def test_every_text_of_the_panel_is_translatable(self):
        sentence = re.compile(r"^[A-Z][a-z]+ [a-z].*")
        for path in PANEL_FILES:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            allowed = {id(node.body[0].value) for node in ast.walk(tree) if _hasDocstring(node)}
            for call in ast.walk(tree):
                if isinstance(call, ast.Call) and getattr(call.func, "id", getattr(call.func, "attr", "")) in _SPEAKS:
                    allowed |= {id(node) for argument in call.args for node in ast.walk(argument)}
            loose = [
                node.value
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and sentence.match(node.value)
                and id(node) not in allowed
            ]
            self.assertEqual(loose, [], path.name)


_SPEAKS = {"_", "info", "debug", "warning", "translate", "delayDisplay"}


def _hasDocstring(node: ast.AST) -> bool:
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef
    return isinstance(node, kinds) and ast.get_docstring(node) is not None


if __name__ == "__main__":
    unittest.main()
