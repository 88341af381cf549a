"""Which cells the site says are alike, and what it says sets them apart."""

from __future__ import annotations

import re

import pytest

from derive import library
from derive.display.compare.difference import between, difference
from derive.site.facts import Facts
from derive.site.neighbours import COUNT, Neighbourhood, apart

FACTS = {name: Facts(library.load(name)) for name in library.names()}


@pytest.fixture(scope="module")
def near():
    return Neighbourhood(FACTS.values())


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("lstm", {"lstm_np", "lstm_coupled", "lstm_peephole"}),
        ("gru", {"mut1", "mut2", "mut3"}),
        ("brc", {"nbrc"}),
        ("rnn", {"indrnn"}),
        ("lstm_cifg", {"lstm_nfg", "lstm_nig"}),
    ],
)
def test_who_is_like_whom(near, name, like):
    found = [neighbour.cell.name for neighbour in near.of(name)]
    assert like <= set(found) and name not in found and len(found) == COUNT


def test_the_nearest_come_first(near):
    for name in ("lstm", "gru", "slstm"):
        gaps = [neighbour.gap for neighbour in near.of(name)]
        assert gaps == sorted(gaps)


def test_what_sets_them_apart_is_what_derive_diff_says():
    for one, two in [("lstm", "lstm_peephole"), ("gru", "mgu"), ("ligru", "ugrnn")]:
        found = apart(FACTS[one], FACTS[two])
        changes = difference(FACTS[two].cell, FACTS[one].cell).sections["forward"]
        changed = [change for change in changes if not change.same]
        assert [row.name for row in found.ours] == [c.new.lhs.name for c in changed if c.new]
        assert [row.name for row in found.theirs] == [c.old.lhs.name for c in changed if c.old]
        assert found.gap == max(len(found.ours), len(found.theirs)) > 0


def test_the_peepholes_set_the_peephole_lstm_apart():
    found = apart(FACTS["lstm_peephole"], FACTS["lstm"])
    assert [row.name for row in found.ours] == ["a_i", "a_f", "a_o"]
    for ours, theirs in zip(found.ours, found.theirs, strict=True):
        only = [set(re.findall('data-q="(.*?)"', str(row.right))) for row in (ours, theirs)]
        assert {name[:2] for name in only[0] - only[1]} <= {"p_", "c", "c_"}
        assert not only[1] - only[0]


def test_a_cell_and_itself():
    for name in ("lstm", "lstm_layer_norm"):
        assert apart(FACTS[name], FACTS[name]).gap == 0


def test_other_names_are_told():
    """MGU's f is what the GRU calls z."""
    assert dict(apart(FACTS["mgu"], FACTS["gru"]).renamed) == {"z": "f"}


def test_one_cell_has_no_neighbours():
    assert Neighbourhood([FACTS["lstm"]]).of("lstm") == []


def test_between_is_the_difference():
    one, two = FACTS["gru"], FACTS["mgu"]
    found, want = between(one.book, two.book), difference(one.cell, two.cell)
    assert found.renamed == want.renamed
    assert [c.same for c in found.sections["forward"]] == [c.same for c in want.sections["forward"]]


def test_the_source_is_the_reader_s_own(tmp_path):
    """A file that is called as a built-in cell does not get that one's source."""
    text = (library.FOLDER / "rnn.py").read_text().replace('"""', '"""My own. ', 1)
    (tmp_path / "lstm.py").write_text(text)
    source = Facts(library.load(str(tmp_path / "lstm.py"))).source
    assert "h_next = tanh" in source and "c_next" not in source
    assert FACTS["lstm"].source.startswith("class LSTM")
    assert '"""' not in FACTS["lstm"].source


def test_what_a_cell_consists_of():
    assert FACTS["lstm"].structure[:2] == [("States", ["h", "c"]), ("Gates", ["i", "f", "o"])]
    assert FACTS["rnn"].structure[0] == ("States", ["h"])
    assert [kind for kind, _ in FACTS["rnn"].structure] == ["States", "Parameters"]
    assert FACTS["gru"].options[0][:2] == ("reset", "before")
    assert FACTS["lem"].options[0][2] == "a number"
