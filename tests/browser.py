"""The atlas in a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
FOCUSABLE = 'a[href], button, input, select, textarea, summary, [tabindex="0"]'


def executable() -> str:
    """The Chromium of this machine."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    assert found, f"no Chromium is installed (Debian: chromium); looked for {', '.join(CHROMIUM)}"
    return found


@contextmanager
def chromium() -> Iterator:
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=as_root)
        yield browser
        browser.close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing of a request."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A web server of a folder, by its address."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def visit(browser, address: str, viewport=WIDE, **options) -> Iterator:
    """A page, open; when it is left, nothing may have gone wrong on it, and nothing that is not the
    site's may have been asked for."""
    wrong, asked = [], []
    home = address[: address.index("/", 8)] if address.startswith("http") else "file:"
    context = browser.new_context(viewport=viewport, **options)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.on("console", lambda m: m.type in ("error", "warning") and wrong.append(m.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda request: wrong.append(f"{request.url}: {request.failure}"))
    page.on("response", lambda r: r.status >= 400 and wrong.append(f"{r.url}: {r.status}"))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    if page.query_selector("#live"):
        page.wait_for_selector("#live[data-ready]", state="attached")
    yield page
    context.close()
    assert wrong == [], wrong
    assert not [url for url in asked if not url.startswith((home, "blob:", "data:"))]


def text_of(page) -> list[str]:
    """Everything that is shown, word by word, and what is set by hand."""
    return page.evaluate(
        """() => [
          ...document.getElementById("main").innerText.split(/\\s+/),
          ...[...document.querySelectorAll("svg")].map((svg) => svg.innerHTML),
          ...[...document.querySelectorAll("input, select")].map((field) => field.value),
        ]"""
    )
