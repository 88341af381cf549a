"""Pages of a site, read strictly: apart from the templates, by the standard library."""

from __future__ import annotations

import posixpath
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "input", "img", "hr", "wbr"}
ADDRESSES = {"href", "src", "action", "poster", "data", "xlink:href"}
NAMING = {"for", "aria-labelledby", "aria-describedby", "aria-controls"}


@dataclass
class Element:
    """A start tag with what stands in the element."""

    tag: str
    attributes: dict[str, str]
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.texts)


class Page(HTMLParser):
    """All elements of a page. A page whose tags do not nest, or that closes one that was not
    opened, is refused: what a browser would repair is an error here."""

    def __init__(self, path: str, text: str):
        super().__init__(convert_charrefs=True)
        self.path = path
        self.elements: list[Element] = []
        self.open: list[Element] = []
        self.feed(text)
        self.close()
        assert not self.open, f"{path}: <{self.open[-1].tag}> is not closed"

    def handle_starttag(self, tag, attrs):
        repeated = [name for name, count in Counter(name for name, _ in attrs).items() if count > 1]
        assert not repeated, f"{self.path}: <{tag}> has {repeated} twice"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        line, _ = self.getpos()
        opened = self.open.pop().tag if self.open else "nothing"
        assert opened == tag, f"{self.path}:{line}: </{tag}> closes <{opened}>"

    def handle_data(self, data):
        for element in self.open:
            element.texts.append(data)

    def all(self, tag: str = "", **attributes: str) -> list[Element]:
        """The elements of a tag with these attributes."""
        return [
            element
            for element in self.elements
            if tag in ("", element.tag)
            and all(element.attributes.get(name) == value for name, value in attributes.items())
        ]

    @property
    def ids(self) -> list[str]:
        return [e.attributes["id"] for e in self.elements if "id" in e.attributes]

    @property
    def named(self) -> set[str]:
        """The ids that elements refer to."""
        own = {a[1:] for a in self.addresses if a.startswith("#") and len(a) > 1}
        values = (e.attributes.get(name, "") for e in self.elements for name in NAMING)
        return own | {name for value in values for name in value.split()}

    @property
    def addresses(self) -> list[str]:
        """Where links and assets are."""
        return [value for e in self.elements for name, value in e.attributes.items()
                if name in ADDRESSES]  # fmt: skip

    @property
    def files(self) -> set[str]:
        """The files of the site that it needs or leads to."""
        folder = posixpath.dirname(self.path)
        local = (a.partition("#")[0] for a in self.addresses if not a.startswith("data:"))
        return {posixpath.normpath(posixpath.join(folder, a)) for a in local if a}

    @property
    def structure(self) -> list[tuple[str, tuple[str, ...]]]:
        """Tags with the names of their attributes, but for what colours code."""
        return [
            (e.tag, tuple(e.attributes))
            for e in self.elements
            if not (e.tag == "span" and e.attributes.get("class", "").startswith("s-"))
        ]
