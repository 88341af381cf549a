"""For all tests. SymPy allocates much and frees little: looking for garbage less often makes the
tests a tenth faster."""

import gc
import os
from pathlib import Path

import pytest
from browser import chromium, served, visit

from derive.library import names

gc.set_threshold(100_000, 50, 50)

# --- those about one cell ------------------------------------------------------------------------


def pytest_collection_modifyitems(items):
    """What is tested of one cell of the library stands together, so that one process derives it,
    and finds the best arrangement of its picture, which takes seconds; others need not."""
    known = {*names()}

    def cell(item):
        given = item.callspec.params.values() if hasattr(item, "callspec") else ()
        return next((name for name in given if isinstance(name, str) and name in known), None)

    places = [n for n, item in enumerate(items) if cell(item)]
    for n, item in zip(places, sorted((items[n] for n in places), key=cell), strict=True):
        items[n] = item


# --- for those that open the atlas ---------------------------------------------------------------


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The whole site: where SITE names it, or built here."""
    if "SITE" in os.environ:
        return Path(os.environ["SITE"]).resolve()
    from derive.library import load
    from derive.site.build import files, write

    folder = tmp_path_factory.mktemp("site")
    write(files(map(load, names()), lambda _: None), folder)
    return folder


@pytest.fixture(scope="session")
def browser():
    pytest.importorskip("playwright", reason="this is what make test-browser installs")
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def server(site):
    with served(site) as address:
        yield address


@pytest.fixture
def opened(browser, site):
    """Opens a page from its file."""

    def open_page(name, **options):
        return visit(browser, f"file://{site}/{name}.html", **options)

    return open_page
