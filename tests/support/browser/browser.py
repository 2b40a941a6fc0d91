"""A real browser without a window: Debian's Chromium, driven by its driver.

It asks nothing of anybody: what a page loads, logs and asks the reader is kept, and looked at by `Browser.trouble`.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from selenium.common.exceptions import NoAlertPresentException, UnexpectedAlertPresentException
from selenium.webdriver import ActionChains, Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.wait import WebDriverWait

# What Chromium does in the background asks hosts of its own; a container has no sandbox of the kernel's for it.
_SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    # The same pictures on every machine, as far as its fonts go.
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
)
_PHONE = 500  # px: narrower is a phone
_AXE = Path(__file__).parent / "node_modules/axe-core/axe.min.js"


@dataclass(frozen=True, slots=True)
class View:
    """How a page is looked at: width and height in px, the reader's colours, whether scripts run, and on which medium.

    `now` is the time that the page is told, in milliseconds since 1970, or None for the real one.
    """

    width: int = 1280
    height: int = 800
    colours: Literal["light", "dark"] = "light"
    scripts: bool = True
    medium: Literal["screen", "print"] = "screen"
    zone: str = "UTC"
    now: int | None = None


@dataclass
class Browser:
    """A browser with one tab."""

    driver: Chrome
    _clocks: list[str] = field(default_factory=list)  # the ids of scripts that tell pages the time

    def open(self, url: str, view: View | None = None) -> None:
        """Open a page as `view` has it, and forget what earlier ones loaded and logged."""
        view = view or View()
        self.driver.get("about:blank")
        self._log("browser")
        self._log("performance")
        self._look(view)
        self.driver.get(url)
        if view.scripts and not self._has_started():
            self.driver.refresh()
            assert self._has_started(), f"the script of {url} does not run"

    def _has_started(self) -> bool:
        """Return whether the page's script has run, or it has none.

        Where scripts were off for the page before, the browser may keep them off when it changes processes.
        """
        try:
            has_script = self.run("return document.querySelector('script[src$=\"site.js\"]') !== null")
            return not has_script or bool(self.run("return typeof ledgerSite === 'object'"))
        except UnexpectedAlertPresentException:  # a script has opened a dialog
            return True

    def _look(self, view: View) -> None:
        size = {"width": view.width, "height": view.height, "deviceScaleFactor": 1, "mobile": view.width < _PHONE}
        self.tell("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": view.colours}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.tell("Emulation.setEmulatedMedia", media=view.medium, features=[scheme, still])
        self.tell("Emulation.setScriptExecutionDisabled", value=not view.scripts)
        self.tell("Emulation.setTouchEmulationEnabled", enabled=view.width < _PHONE)  # so a finger points there
        self.tell("Emulation.setFocusEmulationEnabled", enabled=True)  # or keys go nowhere while a window comes up
        self.tell("Emulation.setTimezoneOverride", timezoneId=view.zone)
        while self._clocks:
            self.tell("Page.removeScriptToEvaluateOnNewDocument", identifier=self._clocks.pop())
        if view.now is not None:
            script = f"Date.now = () => {view.now}; Date = class extends Date {{ constructor(...parts) "
            script += f"{{ parts.length ? super(...parts) : super({view.now}) }} }}"
            self._clocks.append(self.tell("Page.addScriptToEvaluateOnNewDocument", source=script)["identifier"])

    def seconds_to_first_result(self, url: str) -> float:
        """Open a page whose address has a search in it; return how long it took until there was a result."""
        script = """
            new MutationObserver((_, observer) => {
              if (document.querySelector('#\\\\~results li')) {
                window.firstResult = performance.now();  // milliseconds since the page was asked for
                observer.disconnect();
              }
            }).observe(document, {childList: true, subtree: true});
        """
        added = self.tell("Page.addScriptToEvaluateOnNewDocument", source=script)["identifier"]
        try:
            self.open(url)
            return float(self.wait("window.firstResult", seconds=60)) / 1000
        finally:
            self.tell("Page.removeScriptToEvaluateOnNewDocument", identifier=added)

    def tell(self, command: str, **values: Any) -> Any:
        """Give a command of the Chrome DevTools Protocol; return its answer."""
        return self.driver.execute_cdp_cmd(command, values)

    def run(self, script: str, *values: Any) -> Any:
        """Return what a script returns that runs in the page, with `values` as its `arguments`."""
        return self.driver.execute_script(script, *values)

    def wait(self, script: str, *values: Any, seconds: float = 10) -> Any:
        """Wait until an expression of JavaScript is true; return its value. Raises AssertionError if it never is."""
        try:
            return WebDriverWait(self.driver, seconds, 0.02).until(lambda _: self.run(f"return {script}", *values))
        except Exception as error:
            raise AssertionError(f"never true: {script}\n{self.text()[:1000]}") from error

    def text(self, selector: str = "body") -> str:
        """Return the text that a reader sees of the first element that a selector finds, or `""`."""
        found = self.run("const it = document.querySelector(arguments[0]); return it ? it.innerText : ''", selector)
        return str(found)

    def texts(self, selector: str) -> list[str]:
        """Return the text of all elements that a selector finds, as far as they are seen."""
        elements = "[...document.querySelectorAll(arguments[0])].filter(it => it.checkVisibility())"
        return list(self.run(f"return {elements}.map(it => it.innerText.trim())", selector))

    def press(self, *keys: str) -> None:
        """Press keys one after another, wherever the focus is; a text is typed."""
        for key in keys:
            ActionChains(self.driver, duration=0).send_keys(key).perform()

    def paste(self, text: str) -> None:
        """Put a text in where the focus is, all of it at once."""
        self.tell("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """Click on the middle of the first element that a selector finds, as a finger would."""
        element = self.driver.find_element("css selector", selector)
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def focused(self) -> str:
        """Return what has the focus: the name of its element, its id, and its text."""
        return str(
            self.run(
                "const it = document.activeElement;"
                "return `${it.localName}#${it.id} ${(it.innerText || it.getAttribute('aria-label') || '').trim()}`"
            )
        )

    def clipboard(self) -> str:
        """Return the text on the clipboard."""
        origin = self.run("return location.origin")
        granted = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
        self.tell("Browser.grantPermissions", **granted, **({"origin": origin} if origin.startswith("http") else {}))
        script = "navigator.clipboard.readText().then(arguments[0], error => arguments[0](`unread: ${error}`))"
        return str(self.driver.execute_async_script(script))

    def _log(self, kind: Literal["browser", "performance"]) -> list[dict[str, Any]]:
        """Return the entries since this was last asked."""
        return list(self.driver.get_log(kind))  # type: ignore[no-untyped-call]

    def requests(self) -> list[str]:
        """Return the URLs that were asked for since the page was opened, and since this was last asked."""
        entries = (json.loads(entry["message"])["message"] for entry in self._log("performance"))
        return [
            entry["params"]["request"]["url"] for entry in entries if entry["method"] == "Network.requestWillBeSent"
        ]

    def trouble(self, base: str) -> list[str]:
        """Return what a page of a site at `base` must not do, and did: log an error, load from elsewhere, ask."""
        try:
            asked = [f"asks: {self.driver.switch_to.alert.text}"]
            self.driver.switch_to.alert.dismiss()
        except NoAlertPresentException:
            asked = []
        logged = [f"logs: {entry['message']}" for entry in self._log("browser") if entry["level"] != "INFO"]
        return asked + logged + [f"loads: {url}" for url in self.requests() if not url.startswith((base, "about:"))]

    def barriers(self) -> list[str]:
        """Return what axe-core finds serious or critical on the page that is open, which may run scripts."""
        self.run(_AXE.read_text("utf-8"))
        script = (
            "const done = arguments[0];"
            "axe.run({resultTypes: ['violations']}).then(done, error => done({failed: String(error)}))"
        )
        result: Mapping[str, Any] = self.driver.execute_async_script(script)
        assert "violations" in result, result
        return [
            f"{rule['id']} ({rule['impact']}): {rule['help']}\n"
            + "\n".join(f"  {node['html'][:200]}\n  {node['failureSummary']}" for node in rule["nodes"][:3])
            for rule in result["violations"]
            if rule["impact"] in {"serious", "critical"}
        ]

    def picture(self, *, whole: bool = False) -> bytes:
        """Return a picture of what is seen, or of the whole page, as PNG."""
        answer = self.tell("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(answer["data"])


@contextmanager
def open_browser(folder: Path) -> Iterator[Browser]:
    """Start a browser that keeps its files in a new folder, and end it."""
    options = ChromeOptions()
    for switch in (*_SWITCHES, f"--user-data-dir={folder}"):
        options.add_argument(switch)
    options.binary_location = _program("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.unhandled_prompt_behavior = "ignore"
    folder.mkdir(parents=True)
    environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "TMPDIR": str(folder), "SE_OFFLINE": "true"}
    driver = Chrome(options, Service(_program("chromedriver"), env=environment))
    try:
        driver.set_page_load_timeout(60)
        driver.set_script_timeout(60)
        yield Browser(driver)
    finally:
        driver.quit()


def _program(name: str) -> str:
    path = shutil.which(name)
    assert path, f"{name} is missing: run `scripts/bootstrap`"
    return path
