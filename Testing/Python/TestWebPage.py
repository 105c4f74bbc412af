"""The page in a real browser: the whole job on the phantom, held against the command line, and strangers refused."""

import contextlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import SimpleITK as sitk
from DicomTesting import writeSource
from MedFusionLib.CommandLine.Demo import writePhantom
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionTesting import medfusion

DRIVER = shutil.which("chromedriver")
IS_READY = DRIVER is not None and find_spec("selenium") is not None and find_spec("trame_slicer") is not None
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


def _labelOf(field: object) -> str:
    return field.find_element("tag name", "label").get_attribute("textContent")


@unittest.skipUnless(IS_READY, "trame-slicer, selenium or ChromeDriver is not installed")
class TestWebPage(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        from selenium import webdriver

        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = Path(temporary.name)
        phantom = makePhantom(spacingFactor=2.0)
        cls.inputs = {role: Path(path) for role, path in writePhantom(phantom, cls.folder / "input").items()}
        for path in cls.inputs.values():
            shutil.copy(path, cls.folder / path.name)
        command = [sys.executable, "-m", "MedFusionLib", "web", str(cls.folder), "--no-browser"]
        cls.log = (cls.folder / "server.log").open("w+")
        cls.addClassCleanup(cls.log.close)
        cls.server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=cls.log, text=True)
        cls.addClassCleanup(cls.server.stdout.close)
        cls.addClassCleanup(cls.server.wait)
        cls.addClassCleanup(cls.server.terminate)
        cls.address = re.search(r"http\S+", cls.server.stdout.readline())[0]
        options = webdriver.ChromeOptions()
        for flag in (*FLAGS, "--window-size=1400,900"):
            options.add_argument(flag)
        cls.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
        cls.addClassCleanup(cls.driver.quit)
        cls.driver.get(cls.address)
        cls.waitFor(lambda: cls.driver.find_elements("tag name", "h1"))

    @classmethod
    def waitFor(cls, condition: Callable[[], object], seconds: float = 90.0) -> object:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(Exception):  # an element may vanish while it is asked
                found = condition()
                if found:
                    return found
            time.sleep(0.1)
        alerts = [element.text for element in cls.driver.find_elements("css selector", ".v-alert")]
        raise AssertionError(f"waited in vain; the page says {alerts}")

    def click(self, text: str) -> None:
        def press() -> bool:
            for element in self.driver.find_elements("tag name", "button"):
                if element.text.strip().upper() == text.upper() and element.is_displayed() and element.is_enabled():
                    element.click()
                    return True
            return False

        self.waitFor(press)

    def open(self, card: str, button: str) -> None:
        """Open a card unless a button of it is in sight already."""

        def shown() -> list[str]:
            buttons = self.driver.find_elements("tag name", "button")
            return [each.text.strip().upper() for each in buttons if each.is_displayed()]

        if button.upper() not in self.waitFor(shown):
            self.click(card)

    def choose(self, label: str, value: str) -> None:
        def field() -> object:
            fields = self.driver.find_elements("css selector", ".v-select")
            return next(f for f in fields if f.is_displayed() and _labelOf(f) == label)

        def pick() -> bool:
            for element in reversed(self.driver.find_elements("xpath", item)):
                if element.is_displayed():
                    element.click()
                    return True
            field().find_element("css selector", ".v-field").click()  # again, where the card was still moving
            time.sleep(1)
            return False

        item = f"//div[contains(@class,'v-list-item-title') and .='{value}']"
        self.waitFor(pick)

    def test_the_whole_job_gives_the_numbers_of_the_command_line(self):
        self.open("1. Volumes", "Open both")
        self.choose("CT", "ct.nrrd")
        self.choose("MRI", "mri.nrrd")
        self.click("Open both")
        self.waitFor(lambda: "CT: ct" in self.driver.page_source)
        self.click("2. Landmarks")
        for button, name in (("For the CT", "ct_landmarks.mrk.json"), ("For the MRI", "mri_landmarks.mrk.json")):
            self.choose("File with landmarks", name)
            self.click(button)
        self.waitFor(lambda: len(self.driver.find_elements("css selector", "#pairs tbody tr")) == 8)
        before = self.settledFit()
        boxes = self.driver.find_elements("css selector", "#pairs input[type=checkbox]")
        boxes[0].click()
        self.waitFor(lambda: self.fit() != before)
        self.settledFit()
        self.click("Undo")
        self.waitFor(lambda: self.fit() == before)
        self.click("3. Register")
        self.click("Register")
        shown = self.waitFor(lambda: self.driver.find_element("id", "registration").text)
        self.click("4. Fuse")
        self.click("Fuse")
        self.click("CT and MRI")
        self.click("5. Tumor and results")
        self.click("Save results")
        self.waitFor(lambda: "Download all" in self.driver.page_source)
        status, _, errors = medfusion(
            "run",
            *(self.inputs[role] for role in ("ct", "mri")),
            *("--ct-landmarks", self.inputs["ct_landmarks"], "--mri-landmarks", self.inputs["mri_landmarks"]),
            *("--output", self.folder / "run"),
        )
        self.assertEqual(status, 0, errors)
        documents = [
            json.loads((self.folder / name / "measurements.json").read_text(encoding="utf-8"))
            for name in ("results", "run")
        ]
        for key in ("fre_mm", "fle_mm", "residuals_mm", "model", "landmarks"):
            self.assertEqual(documents[0]["registration"][key], documents[1]["registration"][key], key)
        self.assertIn(f"{documents[1]['registration']['fre_mm']:.2f} mm", shown)
        fused = [sitk.ReadImage(str(self.folder / name / "fused.nrrd")) for name in ("results", "run")]
        self.assertEqual(sitk.Hash(fused[0]), sitk.Hash(fused[1]))

        self.open("1. Volumes", "Open the result")
        self.choose("Result folder", "results")
        self.click("Open the result")
        self.open("3. Register", "Register")
        self.waitFor(lambda: "earlier session" in self.driver.find_element("id", "registration").text)

    def mouse(self, view: int, right: int, down: int) -> object:
        """Return the mouse over a place in a view, in pixels from its middle."""
        from selenium.webdriver.common.action_chains import ActionChains

        views = [e for e in self.driver.find_elements("css selector", ".layout-grid-item") if e.is_displayed()]
        return ActionChains(self.driver).move_to_element_with_offset(views[view], right, down).pause(0.3)

    def fit(self) -> str:
        """Return the residual of the fit as the page shows it."""
        return re.search(r"FRE\)\s+(\S+)", self.driver.find_element("id", "fit").text)[1]

    def settledFit(self) -> str:
        """Return the residual that the page shows once it has shown the same for two seconds."""

        def settled() -> str:
            said = self.fit()
            time.sleep(2)
            return said if said == self.fit() else ""

        return self.waitFor(settled)

    def pairs(self) -> int:
        return len(self.driver.find_elements("css selector", "#pairs tbody tr"))

    def test_pairs_are_placed_dragged_and_undone_by_mouse(self):
        self.open("1. Volumes", "Synthetic head")
        self.click("Synthetic head")
        self.waitFor(lambda: "Phantom CT" in self.driver.page_source)
        self.click("2. Landmarks")
        self.waitFor(lambda: self.pairs() == 8)
        time.sleep(1)  # the views come into sight
        fit = self.settledFit()
        self.driver.find_element("css selector", "#pairs input[type=checkbox]").click()
        self.waitFor(lambda: self.fit() != fit)
        self.settledFit()
        self.click("Undo")
        self.waitFor(lambda: self.fit() == fit)
        self.driver.find_element("css selector", "#pairs td input:not([type])").click()  # its views show it
        time.sleep(1)
        self.assertEqual([e.text for e in self.driver.find_elements("css selector", ".v-alert")], [])
        self.click("Place pairs")
        places = ((-40, -60), (50, -50), (-45, 50), (40, 60))
        for number, place in enumerate(places, 9):
            self.waitFor(lambda: "in the CT" in self.driver.page_source)
            self.mouse(0, *place).click().perform()
            self.waitFor(lambda: "in the MRI" in self.driver.page_source)
            self.mouse(3, *place).click().perform()
            self.waitFor(lambda number=number: self.pairs() == number)
        self.waitFor(lambda: "in the CT" in self.driver.page_source)
        self.click("Stop placing")
        names = [
            e.get_attribute("value") for e in self.driver.find_elements("css selector", "#pairs td input:not([type])")
        ]
        self.assertEqual(names[-4:], ["P1", "P2", "P3", "P4"])
        before = self.settledFit()
        self.mouse(0, *places[0]).click_and_hold().pause(0.3).move_by_offset(12, 8).pause(0.3).release().perform()
        self.waitFor(lambda: self.fit() != before)
        self.settledFit()
        self.click("Undo")
        self.waitFor(lambda: self.fit() == before)

    def test_an_outline_is_judged_and_the_error_told_where_the_user_asks(self):
        self.open("1. Volumes", "Synthetic head")
        self.click("Synthetic head")
        self.waitFor(lambda: "Phantom CT" in self.driver.page_source)
        self.click("2. Landmarks")
        self.waitFor(lambda: self.pairs() == 8)
        time.sleep(1)
        self.click("Error at a point")
        self.mouse(0, 20, -10).click().perform()
        told = self.waitFor(lambda: self.driver.find_element("id", "targets").text)
        self.assertRegex(told, r"Target 1: \d\.\d mm, 95 % below \d\.\d mm")
        self.open("3. Register", "Register")
        self.click("Register")
        self.waitFor(lambda: self.driver.find_element("id", "registration").text)
        self.open("5. Tumor and results", "Outline")
        self.choose("Method", "One click")
        self.click("Point inside")
        self.waitFor(lambda: "Click into the MRI." in self.driver.page_source)
        self.mouse(3, 35, -45).click().perform()
        time.sleep(1)
        self.click("Outline")
        self.waitFor(lambda: self.driver.find_element("id", "verdict").text)
        self.assertRegex(self.driver.find_element("id", "verdict").text, "onfirmed|oubtful")
        self.click(
            "Show the second method" if "Show the second" in self.driver.page_source else "Hide the second method"
        )
        self.assertEqual([e.text for e in self.driver.find_elements("css selector", ".v-alert")], [])

    def test_patients_that_differ_are_refused_until_the_user_goes_on(self):
        for modality, role, name in (("CT", "ct", "Doe^Jane"), ("MR", "mri", "Roe^Richard")):
            image = sitk.ReadImage(str(self.inputs[role]))
            writeSource(self.folder / f"dicom-{role}", modality, image, PatientName=name, PatientID=name)
        self.open("1. Volumes", "Open both")
        self.click("Synthetic head")  # the list of files is read anew
        self.waitFor(lambda: "Phantom CT" in self.driver.page_source)
        self.choose("CT", "dicom-ct/")
        self.choose("MRI", "dicom-mri/")
        self.click("Open both")
        self.waitFor(lambda: "CT: dicom-ct" in self.driver.page_source)
        self.click("2. Landmarks")
        for button, list in (("For the CT", "ct_landmarks.mrk.json"), ("For the MRI", "mri_landmarks.mrk.json")):
            self.choose("File with landmarks", list)
            self.click(button)
        self.waitFor(lambda: self.pairs() == 8)
        self.click("3. Register")
        self.click("Register")
        said = self.waitFor(lambda: self.driver.find_element("css selector", ".v-alert[role=alert]").text)
        self.assertRegex(said, "different patients|Doe")
        self.assertEqual(self.driver.find_element("id", "registration").text, "")
        self.driver.find_element("xpath", "//label[.='Continue anyway']").click()
        self.click("Register")
        self.waitFor(lambda: self.driver.find_element("id", "registration").text)

    def test_strangers_are_refused_and_every_answer_has_its_headers(self):
        plain, token = self.address.split("/?token=")
        port = plain.rsplit(":", 1)[-1]
        for headers, query in (
            ({}, ""),
            ({}, "?token=wrong"),
            ({"Host": "evil.example"}, f"?token={token}"),
            ({"Origin": "http://evil.example"}, f"?token={token}"),
            ({"Cookie": f"medfusion-{port}=wrong"}, ""),
        ):
            for path in ("/index.html", "/ws", "/report.html", "/results.zip", "/upload"):
                with self.subTest(headers=headers, path=path):
                    request = urllib.request.Request(plain + path + query, headers=headers)
                    with self.assertRaises(urllib.error.HTTPError) as refused:
                        urllib.request.urlopen(request, timeout=10)
                    self.assertEqual(refused.exception.code, 403)
                    self.assertEqual(refused.exception.headers["X-Frame-Options"], "DENY")
                    refused.exception.close()


if __name__ == "__main__":
    unittest.main()
