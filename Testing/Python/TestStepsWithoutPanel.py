"""The panel's steps on Slicer's core alone: no Qt, no application, as a page in a browser drives them."""

import unittest
from pathlib import Path
from types import SimpleNamespace

import slicer
from MedFusionLib.Core.Images.Coordinates import flipPoints
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionLib.Scene.PhantomNodes import addPhantom
from MedFusionLib.Scene.Session import Session
from MedFusionLib.Workflow.LandmarkLists import LandmarkLists, Side
from MedFusionLib.Workflow.PairPlacement import PairPlacement
from MedFusionLib.Workflow.Parameters import (
    FusionChoice,
    FusionColors,
    LandmarkPairing,
    RegistrationModel,
    TumorChoice,
    registrationOf,
    tumorCenter,
)
from MedFusionLib.Workflow.PlaceMode import PlaceMode
from MedFusionLib.Workflow.RegistrationTexts import registrationCard
from MedFusionLib.Workflow.Steps import Steps
from MedFusionLib.Workflow.TumorPointing import Pointed, TumorPointing
from MedFusionLib.Workflow.VolumeGuess import guessVolumes


def plainParameters(scene: slicer.vtkMRMLScene) -> SimpleNamespace:
    """Return an object with the members of the panel's parameter node and nothing behind them."""
    names = ("fixedVolume", "movingVolume", "fixedLandmarks", "movingLandmarks", "fusedVolume", "tumorVolume")
    names += ("tumorInside", "tumorOutside", "tumorScribbles", "segmentation")
    return SimpleNamespace(
        parameterNode=scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"),
        **dict.fromkeys(names),
        model=RegistrationModel.rigid,
        pairing=LandmarkPairing.byName,
        refine=False,
        auto=False,
        fusionMethod=FusionChoice.average,
        fusionColors=FusionColors.bone,
        ctChanges=False,
        levels=2,
        windowLow=0.0,
        windowHigh=1500.0,
        tumorMethod=TumorChoice.click,
        modelFolder=Path(),
        useCavity=False,
        outputFolder=Path(),
        saveDicom=False,
        savePdf=False,
        saveScene=True,
    )


class TestStepsWithoutPanel(unittest.TestCase):
    def setUp(self) -> None:
        self.session = Session()
        self.addCleanup(self.session.close)
        self.scene = self.session.scene
        self.parameters = plainParameters(self.scene)
        self.steps = Steps(self.scene)
        self.events = []

    def placeMode(self, onEnded: object) -> PlaceMode:
        logic = self.session.applicationLogic
        return PlaceMode(logic.GetInteractionNode(), logic.GetSelectionNode(), onEnded)

    def click(self, position: tuple[float, float, float]) -> None:
        """Place a point where the mouse is directed to, and let what was put off follow."""
        nodeID = self.session.applicationLogic.GetSelectionNode().GetActivePlaceNodeID()
        self.scene.GetNodeByID(nodeID).AddControlPointWorld(*position)
        while self.events:
            self.events.pop(0)()

    def test_pairs_are_placed_in_turn(self):
        lists = LandmarkLists(lambda: None, lambda side, index: placement.onPlaced(side, index))
        placement = PairPlacement(lists, lambda: None, self.placeMode, self.events.append)
        fixed, moving = (self.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name) for name in ("CT", "MRI"))
        lists.watch(fixed, moving)
        placement.start()
        for number in range(4):
            self.click((float(number), 0.0, 0.0))
        labels = [[node.GetNthControlPointLabel(n) for n in range(2)] for node in (fixed, moving)]
        self.assertEqual(labels, [["P1", "P2"], ["P1", "P2"]])
        self.assertEqual(placement.waitingFor, Side.fixed)

    def test_placing_one_thing_ends_placing_another(self):
        lists = LandmarkLists(lambda: None, lambda *_: None)
        placement = PairPlacement(lists, lambda: None, self.placeMode, self.events.append)
        lists.watch(*(self.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode") for _ in range(2)))
        pointing = TumorPointing(self.scene, lambda: None, self.placeMode)
        pointing.watch(self.parameters)
        placement.start()
        pointing.start(Pointed.inside)
        self.assertFalse(placement.isActive)
        self.assertEqual(pointing.active, Pointed.inside)

    def test_the_chain_runs_and_its_errors_are_told(self):
        phantom = makePhantom(spacingFactor=2.5)
        addPhantom(self.scene, phantom)
        guessVolumes(self.scene, self.parameters)
        self.assertEqual(self.parameters.fixedVolume.GetName(), "Phantom CT")
        self.steps.register(self.parameters)
        self.steps.fuse(self.parameters)
        self.parameters.tumorVolume = self.parameters.movingVolume
        pointing = TumorPointing(self.scene, lambda: None, self.placeMode)
        pointing.watch(self.parameters)
        pointing.start(Pointed.inside)
        self.click(tuple(flipPoints(phantom.targets[-1])))
        self.assertEqual(pointing.counts(), (0, 1, 0))
        self.steps.segment(self.parameters)
        self.assertGreater(self.steps.measure(self.parameters).total.volumeMl, 1.0)
        transformNode = registrationOf(self.parameters.movingVolume)
        card = registrationCard(self.steps.resultOf(transformNode), tumorCenter(self.parameters))
        self.assertIn("Expected error at the tumor", card)


if __name__ == "__main__":
    unittest.main()
