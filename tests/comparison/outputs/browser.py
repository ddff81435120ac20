"""Chromium without a window, in which tests open reports."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.wait import WebDriverWait

_FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --disable-dev-shm-usage"
)

#: Draws a screenshot into a canvas and counts the pixels of each colour.
_COUNT = """
const [data, colours, done] = arguments;
const image = new Image();
image.onload = () => {
  const canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, image.width, image.height).data;
  const counts = colours.map(() => 0);
  for (let at = 0; at < pixels.length; at += 4) {
    colours.forEach(([red, green, blue], index) => {
      const far = Math.abs(pixels[at] - red) + Math.abs(pixels[at + 1] - green) + Math.abs(pixels[at + 2] - blue);
      if (far < 24) counts[index] += 1;
    });
  }
  done(counts);
};
image.src = "data:image/png;base64," + data;
"""


class Browser:
    """One page at a time, and what a test wants to know of it."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, path: Path) -> None:
        """Open a report, and wait until its plots are drawn."""
        self.logs()
        self.requests()
        self.driver.get(path.as_uri())
        WebDriverWait(self.driver, 60).until(lambda _: self.run("return 'ready' in document.documentElement.dataset"))

    def run(self, script: str, *arguments: object):
        return self.driver.execute_script(script, *arguments)

    def command(self, name: str, **arguments: object):
        """One of Chromium's own, by the DevTools protocol."""
        return self.driver.execute_cdp_cmd(name, arguments)

    def resize(self, width: int, height: int = 900) -> None:
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.settle()

    def media(self, *, media: str = "", scheme: str = "light") -> None:
        """Show the page as on this medium, in this colour scheme."""
        self.command(
            "Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}]
        )
        self.settle()

    def settle(self) -> None:
        """Wait until two frames are drawn."""
        self.driver.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()));"
        )

    def logs(self) -> list[str]:
        """What the console said since the last call."""
        return [row["message"] for row in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Addresses that were asked for since the last call, other than files and what the page itself holds."""
        events = (json.loads(row["message"])["message"] for row in self.driver.get_log("performance"))
        asked = (
            event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"
        )
        return [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]

    def colours(self, selector: str, *names: str) -> list[int]:
        """How many pixels of an element have the colour of each of these CSS variables."""
        element = self.driver.find_element("css selector", selector)
        self.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
        self.settle()
        wanted = [self.run(_RGB, name) for name in names]
        return self.driver.execute_async_script(_COUNT, element.screenshot_as_base64, wanted)

    def pdf_pages(self) -> int:
        made = self.command("Page.printToPDF", printBackground=False, preferCSSPageSize=True)
        return base64.b64decode(made["data"]).count(b"/Type /Page\n")


_RGB = """
const probe = document.createElement("i");
probe.style.color = `var(--${arguments[0]})`;
document.body.append(probe);
const found = getComputedStyle(probe).color.match(/[0-9]+/g).slice(0, 3).map(Number);
probe.remove();
return found;
"""


@contextmanager
def started(profile: Path) -> Iterator[Browser]:
    """A browser with a profile of its own; the test skips where there is none."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("no chromium and chromedriver on this machine: make browser")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*_FLAGS.split(), f"--user-data-dir={profile}", "--window-size=1280,900"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver, log_output=subprocess.DEVNULL))
    try:
        yield Browser(chrome)
    finally:
        chrome.quit()
