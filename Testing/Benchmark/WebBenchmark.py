"""Measure the page in headless Chromium: how soon it is there, how soon it answers the mouse, memory, and random use.

python Testing/Benchmark/WebBenchmark.py [--only start latency memory use] [--minutes 60] [--head head-a]

Runs in the page's environment (make test-web makes it). Seconds on the clock depend on what else the machine does, so
the server's processor time is said beside them.
"""

import argparse
import contextlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "MedFusion"), str(ROOT / "Testing" / "Python")]

import numpy as np  # noqa: E402
from MedFusionTesting import sharedData  # noqa: E402
from selenium import webdriver  # noqa: E402
from selenium.common.exceptions import WebDriverException  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402

PARTS = ("start", "latency", "memory", "use")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1400,800")
WARM_UP_SHARE = 0.25
# Both clocks begin with the first move of the mouse that has not been answered.
_WATCH = """
window.told = {picture: [], fit: []};
const since = {picture: null, fit: null};
const area = document.querySelectorAll(".layout-grid-item")[0];
addEventListener("pointermove", () => { for (const k in since) since[k] ??= performance.now(); }, true);
const watch = (name, element, options) => new MutationObserver(() => {
  if (since[name] !== null) { window.told[name].push(performance.now() - since[name]); since[name] = null; }
}).observe(element, options);
watch("picture", area.querySelector("img"), {attributes: true, attributeFilter: ["src"]});
watch("fit", document.getElementById("fit"), {childList: true, characterData: true, subtree: true});
"""
_PICTURES = """return Array.from(document.querySelectorAll(".layout-grid-item img")).filter(
  each => each.naturalWidth > 1).length"""


class Session:
    """A server of the page on a folder of its own, and a browser that shows it."""

    def __init__(self, folder: Path) -> None:
        self.log = (folder / "server.log").open("w+")
        self.began = time.monotonic()
        command = [sys.executable, "-m", "MedFusionLib", "web", str(folder), "--no-browser"]
        self.server = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.log, text=True, cwd=ROOT / "MedFusion"
        )
        options = webdriver.ChromeOptions()
        for flag in FLAGS:
            options.add_argument(flag)
        driver = shutil.which("chromedriver")
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        self.address = re.search(r"http\S+", self.server.stdout.readline())[0]
        self.addressAfter = time.monotonic() - self.began
        self.driver.get(self.address)
        self.waitFor(lambda: self.driver.find_elements("tag name", "h1"))
        self.pageAfter = time.monotonic() - self.began

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.driver.quit()
        self.server.terminate()
        self.server.wait()

    def waitFor(self, condition: Callable[[], object], seconds: float = 300.0) -> object:
        """Return what a condition gives as soon as it gives something."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(WebDriverException, IndexError):
                found = condition()
                if found:
                    return found
            time.sleep(0.05)
        raise TimeoutError(self.messages())

    def messages(self) -> str:
        """Return what the page says."""
        return " ".join(each.text for each in self.driver.find_elements("css selector", ".v-alert"))

    def buttons(self) -> dict[str, object]:
        """Return the buttons in sight by their texts."""
        found = self.driver.find_elements("tag name", "button")
        return {each.text.strip().upper(): each for each in found if each.is_displayed() and each.is_enabled()}

    def press(self, text: str, card: str = "") -> None:
        """Press a button, whose card is opened first."""
        if card and text.upper() not in self.waitFor(self.buttons):
            self.waitFor(lambda: self.buttons()[card.upper()]).click()
            time.sleep(0.5)
        self.waitFor(lambda: self.buttons()[text.upper()]).click()

    def rest(self) -> None:
        """Wait until no step is running."""
        self.waitFor(lambda: "CANCEL" not in self.buttons())

    def choose(self, label: str, value: str) -> None:
        """Choose an entry of a list."""
        fields = self.driver.find_elements("css selector", ".v-select")
        labels = {each.find_element("tag name", "label").get_attribute("textContent"): each for each in fields}
        labels[label].find_element("css selector", ".v-field").click()
        item = f"//div[contains(@class,'v-list-item-title') and .='{value}']"
        self.waitFor(lambda: [e for e in self.driver.find_elements("xpath", item) if e.is_displayed()])[-1].click()
        time.sleep(0.3)

    def views(self) -> list[object]:
        """Return the views in sight."""
        return [e for e in self.driver.find_elements("css selector", ".layout-grid-item") if e.is_displayed()]

    def memory(self, key: str = "VmRSS") -> float:
        """Return the server's memory in MB, now or at most (VmHWM)."""
        status = Path(f"/proc/{self.server.pid}/status").read_text()
        return int(re.search(rf"{key}:\s+(\d+)", status)[1]) / 1024

    def processorTime(self) -> float:
        """Return the processor seconds of the server."""
        fields = Path(f"/proc/{self.server.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def phantom(self) -> None:
        """Open the synthetic head."""
        self.press("Synthetic head", "1. Volumes")
        self.waitFor(lambda: "Phantom CT" in self.driver.page_source)
        self.rest()


def measureStart(folder: Path) -> None:
    """Start it twice, the second time warm, and say when page and pictures are there."""
    for name in ("first", "warm"):
        with Session(folder) as session:
            session.waitFor(lambda session=session: session.driver.execute_script(_PICTURES) >= 7)
            views = time.monotonic() - session.began - session.pageAfter
            print(f"{name} start: address after {session.addressAfter:.1f} s, page after {session.pageAfter:.1f} s, "
                  f"views {views:.1f} s later; {session.processorTime():.1f} CPU s of the server")  # fmt: skip


def measureLatency(folder: Path, count: int = 60) -> None:
    """Drag a landmark and say how long each move takes to its picture and to its FRE."""
    with Session(folder) as session:
        session.phantom()
        session.press("2. Landmarks")
        time.sleep(1.5)  # the card opens
        names = session.driver.find_elements("css selector", "#pairs td input:not([type])")
        names[0].click()  # its views show it in their middle
        time.sleep(2)
        session.driver.execute_script(_WATCH)
        before = session.processorTime()
        drag = ActionChains(session.driver, duration=0).move_to_element(session.views()[0]).click_and_hold()
        drag.pause(0.5).perform()
        moves = random.Random(0)
        for _ in range(count):
            step = ActionChains(session.driver, duration=0)
            step.move_by_offset(moves.choice((-2, -1, 1, 2)), moves.choice((-2, -1, 1, 2))).perform()
            time.sleep(0.4)
        ActionChains(session.driver).release().perform()
        told = session.driver.execute_script("return window.told")
        cost = 1000 * (session.processorTime() - before) / count
        for what, limit in (("picture", 80), ("fit", 70)):
            found = told[what]
            print(f"mouse move to its new {what}: median {np.median(found):.0f} ms ({limit} asked), 95 % within "
                  f"{np.percentile(found, 95):.0f} ms, {len(found)} of {count} moves")  # fmt: skip
        print(f"{cost:.0f} ms of the server's processor a move, seven views")


def measureMemory(folder: Path, name: str) -> None:
    """Do the job on a real-sized head and say how much memory the server takes."""
    for source, target in (("ct", "ct"), ("mr_t1c", "mri")):
        shutil.copy(sharedData("head-sim", name, f"{source}.nrrd"), folder / f"{target}.nrrd")
    for side, target in (("ct", "ct"), ("mr", "mri")):
        shutil.copy(sharedData("head-sim", name, f"{side}_landmarks.mrk.json"), folder / f"{target}.mrk.json")
    with Session(folder) as session:
        session.choose("CT", "ct.nrrd")
        session.choose("MRI", "mri.nrrd")
        session.press("Open both")
        session.waitFor(lambda: "CT: ct" in session.driver.page_source)
        session.press("2. Landmarks")
        time.sleep(1)
        for button, file in (("For the CT", "ct.mrk.json"), ("For the MRI", "mri.mrk.json")):
            session.choose("File with landmarks", file)
            session.press(button)
        session.press("Register", "3. Register")
        session.waitFor(lambda: session.driver.find_element("id", "registration").text)
        session.press("Fuse", "4. Fuse")
        session.rest()
        time.sleep(2)
        print(f"{name}, registered and fused: {session.memory():.0f} MB, at most {session.memory('VmHWM'):.0f} MB")


def measureUse(folder: Path, minutes: float, seed: int = 0) -> None:
    """Use the page at random and say how its memory grows and whether anything went wrong."""
    chance = random.Random(seed)
    with Session(folder) as session:
        session.phantom()
        began, actions, sizes, first = time.monotonic(), 0, [], session.processorTime()
        busy = first
        while time.monotonic() - began < 60 * minutes:
            act(session, chance)
            actions += 1
            if actions % 25 == 0:
                sizes.append((time.monotonic() - began, session.memory()))
                busy = session.processorTime()
            if session.server.poll() is not None:
                raise SystemExit("The server has ended.")
        session.rest()
        warm = [size for since, size in sizes if since > WARM_UP_SHARE * 60 * minutes]
        tenth = max(1, len(warm) // 10)
        growth = np.median(warm[-tenth:]) - np.median(warm[:tenth])
        session.log.seek(0)
        faults = session.log.read().count("Traceback")
        print(f"{minutes:g} minutes, {actions} actions: memory grew by {growth:.0f} MB after the first "
              f"{WARM_UP_SHARE * minutes:.0f} minutes (from {warm[0]:.0f} to {warm[-1]:.0f} MB), "
              f"{faults} tracebacks, {busy - first:.0f} CPU s of the server; the page says "
              f"'{session.messages()}'")  # fmt: skip


PRESSED = (
    *(
        "Place pairs",
        "Stop placing",
        "Undo",
        "Register",
        "Flicker",
        "Stop flicker",
        "Fuse",
        "CT and MRI",
        "Fused",
        "Fit",
    ),
    *("Mouse: view", "Mouse: brightness", "Draw a line", "Point inside", "Clear", "Outline", "Save results", "Delete"),
    *("1. Volumes", "2. Landmarks", "3. Register", "4. Fuse", "5. Tumor and results", "Cancel"),
)


def act(session: Session, chance: random.Random) -> None:
    """Do one thing that a user can do."""
    with contextlib.suppress(WebDriverException, IndexError):
        if chance.random() < 0.5:
            view = chance.choice(session.views())
            chain = ActionChains(session.driver, duration=50)
            chain.move_to_element_with_offset(view, chance.randint(-60, 60), chance.randint(-60, 60))
            kind = chance.choice(("click", "drag", "wheel"))
            if kind == "click":
                chain.click()
            elif kind == "drag":
                chain.click_and_hold().move_by_offset(chance.randint(-30, 30), chance.randint(-30, 30)).release()
            else:
                chain.scroll_from_origin(
                    webdriver.common.actions.wheel_input.ScrollOrigin.from_element(view), 0, chance.choice((-120, 120))
                )
            chain.perform()
            return
        buttons = [button for text, button in session.buttons().items() if text in {t.upper() for t in PRESSED}]
        if chance.random() < 0.01:
            buttons = [button for text, button in session.buttons().items() if text == "SYNTHETIC HEAD"] or buttons
        chance.choice(buttons).click()
    time.sleep(0.05)


def main() -> None:
    """Measure the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--head", default="head-a")
    arguments = parser.parse_args()
    for part in arguments.only:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if part == "start":
                measureStart(folder)
            elif part == "latency":
                measureLatency(folder)
            elif part == "memory":
                measureMemory(folder, arguments.head)
            else:
                measureUse(folder, arguments.minutes)


if __name__ == "__main__":
    main()
