"""For all tests. SymPy allocates much and frees little: looking for garbage less often makes the
tests a tenth faster."""

import gc
import os
from pathlib import Path

import pytest
from browser import chromium, served, visit

from derive.library import names

gc.set_threshold(100_000, 50, 50)

# --- those that draw cells -----------------------------------------------------------------------

PICTURES = {"test_backward_picture", "test_diagram", "test_scene"}


def pytest_collection_modifyitems(items):
    """What is tested of one cell's pictures stands together, so that one process draws them, once:
    to find the best arrangement of a cell takes seconds."""

    known = {*names()}

    def cell(item):
        return item.name.partition("[")[2].removesuffix("]")

    def draws(item):
        return item.module.__name__ in PICTURES and cell(item) in known

    places = [n for n, item in enumerate(items) if draws(item)]
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
