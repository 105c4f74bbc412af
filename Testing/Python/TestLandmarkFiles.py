"""Landmark lists in each kind of file mean the same points, and what does not tell what it means is refused."""

import json
import tempfile
import unicodedata
import unittest
from pathlib import Path

import numpy as np
import slicer
from MedFusionLib.Core.Images.Coordinates import CoordinateSystem
from MedFusionLib.Core.Inputs.LandmarkFile import readLandmarkFile
from MedFusionLib.Core.Landmarks.LandmarkList import LandmarkList, checkNoCopy
from MedFusionLib.Core.Landmarks.LandmarkPairing import pairLandmarks
from MedFusionLib.Scene.LandmarkRegistrationLogic import landmarkList
from MedFusionLib.Scene.NodeFiles import loadMarkups, saveNode
from MedFusionLib.Scene.Session import Session
from MedFusionLib.Scene.VolumeNodes import setMarkupsPoints

NAMES = ("Nasion", "Ohr, links", "Vertex")
RAS = np.array([[1.5, 92.25, -8.0], [-75.0, -8.5, -14.0], [0.5, 4.0, 87.125]])
LPS = RAS * (-1, -1, 1)
FCSV = """# Markups fiducial file version = 4.11
# CoordinateSystem = {system}
# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID
"""


def markups(system: object = "LPS", points: np.ndarray = LPS, **fields: object) -> str:
    controlPoints = [
        {"label": name, "position": point, "positionStatus": "defined"}
        for name, point in zip(NAMES, points.tolist(), strict=True)
    ]
    markup = {"type": "Fiducial", "coordinateSystem": system, "controlPoints": controlPoints} | fields
    return json.dumps({"markups": [{k: v for k, v in markup.items() if v is not None}]})


def table(header: str, points: np.ndarray, delimiter: str = ",") -> str:
    rows = [[f'"{name}"', *map(str, point)] for name, point in zip(NAMES, points.tolist(), strict=True)]
    return "\n".join([header, *(delimiter.join(row) for row in rows)]) + "\n"


class TestLandmarkFiles(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def write(self, name: str, text: str, encoding: str = "utf-8") -> Path:
        path = self.folder / name
        path.write_bytes(text.encode(encoding))
        return path

    def assertHoldsThePoints(self, path: Path, system: CoordinateSystem | None = None) -> None:
        found = readLandmarkFile(path, system)
        self.assertEqual(tuple(landmark.label for landmark in found.landmarks), NAMES)
        np.testing.assert_allclose(found.points, LPS, atol=1e-9)

    def test_every_kind_of_file_gives_the_same_points(self):
        fcsv = "".join(
            f'{i},{x},{y},{z},0,0,0,1,1,1,0,"{name}",,\n'
            for i, (name, (x, y, z)) in enumerate(zip(NAMES, RAS, strict=True))
        )
        for name, text in (
            ("lps.mrk.json", markups()),
            ("ras.mrk.json", markups("RAS", RAS)),
            ("lower.mrk.json", markups("lps")),
            ("meters.mrk.json", markups(points=LPS / 1000, coordinateUnits="m")),
            ("coded.mrk.json", markups(points=LPS / 10, coordinateUnits=["cm", "UCUM", "centimeter"])),
            ("ras.fcsv", FCSV.format(system="RAS") + fcsv),
            ("old.fcsv", FCSV.format(system="0") + fcsv),
            ("slicer.csv", table("label,r,a,s", RAS)),
            ("slicer.tsv", table("label\tl\tp\ts", LPS, "\t")),
            ("suffixed.csv", table("name,x_ras,y_ras,z_ras", RAS)),
            ("bracketed.csv", table("name,x [LPS mm],y [LPS mm],z [LPS mm]", LPS)),
            ("comment.csv", "# coordinateSystem: LPS\n# units: cm\n" + table("name,x,y,z", LPS / 10)),
            ("german.csv", table("Name;R;A;S", RAS, ";").replace(".", ",")),
        ):
            for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le"):
                with self.subTest(name, encoding=encoding):
                    self.assertHoldsThePoints(self.write(name, text, encoding))

    def test_a_table_without_axes_needs_the_option_and_an_option_against_the_file_is_refused(self):
        path = self.write("points.csv", table("name,x,y,z", RAS))
        with self.assertRaisesRegex(ValueError, "does not say whether .* --landmark-axes"):
            readLandmarkFile(path)
        self.assertHoldsThePoints(path, CoordinateSystem.ras)
        with self.assertRaisesRegex(ValueError, "says that its points are LPS"):
            readLandmarkFile(self.write("points.mrk.json", markups()), CoordinateSystem.ras)

    def test_slicers_own_writers_are_read_with_unset_and_switched_off_points(self):
        with Session() as session:
            node = session.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "points")
            setMarkupsPoints(node, np.vstack([LPS, LPS[:1] + 5, LPS[:1] + 9]), [*NAMES, "off", "unset"])
            node.SetNthControlPointSelected(3, False)
            node.UnsetNthControlPointPosition(4)
            node.SetNthControlPointDescription(1, "FLE 2.5")
            saveNode(node, self.folder / "points.mrk.json")
            oldStorage = slicer.vtkMRMLMarkupsFiducialStorageNode()
            oldStorage.SetFileName(str(self.folder / "points.fcsv"))
            oldStorage.WriteData(node)
            for suffix in (".mrk.json", ".fcsv"):
                with self.subTest(suffix):
                    back = landmarkList(loadMarkups(session.scene, self.folder / f"points{suffix}"), None)
                    self.assertEqual((back.labels[:4], back.used[:4]), ((*NAMES, "off"), (True, True, True, False)))
                    np.testing.assert_allclose(back.points[:3], LPS, atol=1e-3)
                    self.assertEqual(back.fle[:3], (2.5, 2.5, 2.5))
                    # The old format has no word for a point that was not placed.
                    self.assertFalse(suffix == ".mrk.json" and any(back.used[4:]))

    def test_a_point_that_is_only_previewed_is_not_used(self):
        document = json.loads(markups())
        document["markups"][0]["controlPoints"][1]["positionStatus"] = "preview"
        found = readLandmarkFile(self.write("preview.mrk.json", json.dumps(document)))
        self.assertEqual([landmark.isUsed for landmark in found.landmarks], [True, False, True])

    def test_what_cannot_be_known_is_refused_with_what_the_user_wrote(self):
        nan = markups("RAS", np.array([[1.0, np.nan, 3.0], *RAS[1:]]))
        for name, text, pattern in (
            ("a.mrk.json", markups("SPL"), '"SPL", which is neither RAS nor LPS'),
            ("a.mrk.json", markups(7), '"7", which is neither'),
            ("a.mrk.json", markups(None), "does not say whether"),
            ("a.mrk.json", markups(coordinateUnits="voxel"), '"voxel", which is not a known unit'),
            ("a.mrk.json", markups(points=LPS / 1000), "lie within 0.16 mm .* meters"),
            ("a.mrk.json", nan, r'"Nasion", has the position \(1.0, nan, 3.0\) RAS'),
            ("a.mrk.json", markups(type="Line"), "a line and no list of points"),
            ("a.fcsv", FCSV.format(system="IJK") + "1,1,2,3\n", '"IJK"'),
            ("a.csv", table("name,x_ras,y_lps,z_ras", RAS), "different axes"),
            ("a.csv", table("name,a,b,c", RAS), "must name the columns"),
            ("a.csv", "label,r,a,s\nNasion,1,2\n", "has 3 of 4 columns"),
            ("a.csv", "label,r,a,s\nNasion,1,two,3\n", r"\(1, two, 3\) RAS"),
            ("a.csv", "label,r,a,s\n", "no point below its header"),
            ("a.csv", "", "must name the columns"),
        ):
            with self.subTest(pattern), self.assertRaisesRegex(ValueError, pattern):
                readLandmarkFile(self.write(name, text))
        for data in (b"label,r,a,s\n\xff\xfe\xfd,1,2,3\n", b"\xff\xfe\x00"):
            (self.folder / "bytes.csv").write_bytes(data)
            with self.assertRaisesRegex(ValueError, "UTF-8"):
                readLandmarkFile(self.folder / "bytes.csv")

    def test_labels_that_look_equal_are_paired_and_it_is_said(self):
        labels = ("Nasiön", "linkes Ohr", "Vertex")
        other = (unicodedata.normalize("NFD", "Nasiön"), "linkes\u00a0 Ohr", "Ver\u200btex")
        paired = pairLandmarks(LandmarkList(labels, RAS), LandmarkList(other, RAS + 1))
        self.assertEqual(paired.labels, labels)
        self.assertRegex(" ".join(paired.notes), "stored differently .*: Nasiön, linkes Ohr, Vertex")
        with self.assertRaisesRegex(ValueError, "more than once"):
            pairLandmarks(LandmarkList((labels[0], other[0], "x"), RAS), LandmarkList(labels, RAS))

    def test_a_copy_is_refused_also_in_part_and_in_another_order(self):
        for points in (RAS, RAS[::-1], np.vstack([RAS, RAS + 7])):
            with self.assertRaisesRegex(ValueError, "3 points .* exactly the same"):
                checkNoCopy(LandmarkList(NAMES, RAS), LandmarkList(("p",) * len(points), points))
        checkNoCopy(LandmarkList(NAMES, RAS), LandmarkList(NAMES, RAS + [[0, 0, 0], [0, 0, 0.1], [0.1, 0, 0]]))


if __name__ == "__main__":
    unittest.main()
