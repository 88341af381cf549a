"""Changes to the gaps of templates: their conditions, their loops, the names and numbers they read,
the order of arguments, and the words of the target language that they hold as strings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mutation.edit import Edit
from mutation.jinja import Gap
from mutation.target import word_edits

COMPARISONS = {">": ">=", "<": "<=", ">=": ">", "<=": "<"}
WORDS = {"true": "false", "false": "true", "True": "False", "False": "True", "none": "0"}
# One word for another that stands for something of the same kind.
SIBLINGS = {
    "entering": "leaving", "leaving": "entering", "first": "last", "last": "first",
    "masked": "held", "held": "restored", "restored": "held", "before": "after",
    "during": "before", "after": "before", "STEP": "STEPS", "STEPS": "STEP",
    "SCRATCH": "RESULT", "RESULT": "SCRATCH", "kept": "kept_for_a_step",
    "kept_for_a_step": "kept", "there": "back", "back": "there", "input_size": "output_size",
    "output_size": "input_size", "operand": "outs[0]", "operands": "outs", "lefts": "outs",
    "right": "lefts[0]", "key": "name", "input": "output", "output": "input",
    "keys": "values", "values": "keys", "one": "all", "columns": "second",
}  # fmt: skip
KEYWORDS = frozenset("if elif else for in is not and or macro set filter call import".split())
# What every macro is given as it is: nothing is learnt from mixing them up.
GIVEN = frozenset("s at r module".split())


def edits(gap: Gap, local: Sequence[str]) -> Iterator[Edit]:
    """Every change inside a gap. `local` are the names that have a value there."""
    if gap.kind == "comment" or gap.word in ("from", "import", "include", "filter", "macro"):
        return
    yield from conditions(gap)
    yield from loops(gap)
    yield from arguments(gap)
    for k, token in enumerate(gap.tokens):
        if token.kind == "string":
            yield from strings(gap, k)
        elif token.kind == "integer":
            yield Edit("number", token.start, token.end, str(int(token.text) + 1))
        elif token.text in COMPARISONS:
            yield Edit("comparison", token.start, token.end, COMPARISONS[token.text])
        elif token.text in WORDS:
            yield Edit("true and false", token.start, token.end, WORDS[token.text])
        elif token.kind == "name":
            yield from names(gap, k, local)


def conditions(gap: Gap) -> Iterator[Edit]:
    """Conditions negated, or without one of their parts."""
    for k, token in enumerate(gap.tokens):
        if token.text in ("if", "elif"):
            end = gap.until(k + 1, ("else", ","))
            condition = gap.text(k + 1, end)
            yield Edit("negate condition", *gap.span(k + 1, end), f"not ({condition})")
            yield from parts(gap, k + 1, end)
        elif token.text == "not":
            yield Edit("negate condition", token.start, gap.tokens[k + 1].start, "")


def parts(gap: Gap, first: int, end: int) -> Iterator[Edit]:
    """A condition of several parts without one of them, and with `and` for `or`."""
    joints = [
        k for k in range(first, end)
        if gap.tokens[k].text in ("and", "or") and gap.depths[k] == gap.depths[first]
    ]  # fmt: skip
    for k in joints:
        token = gap.tokens[k]
        other = "or" if token.text == "and" else "and"
        yield Edit("and/or", token.start, token.end, other)
    bounds = [first - 1, *joints, end]
    for k in range(len(bounds) - 1 if joints else 0):
        start, stop = bounds[k] + 1, bounds[k + 1]
        words = ("true", "false") if {gap.tokens[j].text for j in joints} == {"and"} else ("false",)
        yield Edit("drop operand", *gap.span(start, stop), words[0])


def loops(gap: Gap) -> Iterator[Edit]:
    """A loop the other way round, and without its first turn."""
    if gap.word != "for":
        return
    first = gap.targets[1] + 1
    end = gap.until(first, ("if",))
    span, over = gap.span(first, end), gap.text(first, end)
    yield Edit("loop order", *span, f"({over}) | list | reverse")
    yield Edit("drop turn", *span, f"(({over}) | list)[1:]")


def arguments(gap: Gap) -> Iterator[Edit]:
    """Neighbouring arguments exchanged; so are the sides of a product that is put together."""
    for k, token in enumerate(gap.tokens):
        if token.text == "," and gap.depths[k]:
            yield from exchanged(gap, k)
        elif token.text.endswith('@ "'):
            yield from exchanged(gap, k, around=2)


def exchanged(gap: Gap, k: int, around: int = 1) -> Iterator[Edit]:
    """What stands on the two sides of some tokens, exchanged."""
    first, second = k - around + 1, k + around  # the end of one side, the start of the other
    low, high = gap.until(first - 1, (",",), -1) + 1, gap.until(second, (",",))
    left, right = gap.text(low, first), gap.text(second, high)
    named = any(token.text == "=" for token in gap.tokens[low:high])
    if not named and not {left, right} & GIVEN:
        middle = gap.source[gap.tokens[first - 1].end : gap.tokens[second].start]
        yield Edit("swap operands", *gap.span(low, high), f"{right}{middle}{left}")


def strings(gap: Gap, k: int) -> Iterator[Edit]:
    """A string's words of the target changed, the string left out, or a transposition put in."""
    token, (before, after) = gap.tokens[k], beside(gap, k)
    guards = "strict=" in token.text  # against what cannot happen: see `mutation.python`
    if before in ("==", "!=") or after == ":" or is_name(gap, k) or guards:
        return
    quote, said = token.text[0], token.text[1:-1]
    yield from (
        Edit(e.operator, token.start + 1 + e.start, token.start + 1 + e.end, e.new)
        for e in word_edits(said)
    )
    if not said:
        yield Edit("transpose", token.start, token.end, f"{quote}.T{quote}")
    elif said.strip(" ,"):
        yield Edit("drop text", token.start, token.end, 2 * quote)


def beside(gap: Gap, k: int) -> tuple[str, str]:
    """What stands before and after a token."""
    before, after = gap.tokens[max(0, k - 1) : k], gap.tokens[k + 1 : k + 2]
    return "".join(t.text for t in before), "".join(t.text for t in after)


def is_name(gap: Gap, k: int) -> bool:
    """Whether a string is the name of an attribute or of a kind."""
    above = [token.text for token in gap.tokens[max(0, k - 2) : k]]
    return above in (["attribute", "="], ["groupby", "("], ["map", "("])


def names(gap: Gap, k: int, local: Sequence[str]) -> Iterator[Edit]:
    """A name's sibling; and for a local name that is a value by itself, those beside it."""
    token, (before, after) = gap.tokens[k], beside(gap, k)
    if token.text in KEYWORDS or k < gap.targets[1] or after == "=":
        return
    sibling = SIBLINGS.get(token.text)
    if sibling and (before in (".", "|") or sibling in local):
        yield Edit("other part", token.start, token.end, sibling)
    is_value = before not in (".", "|") and after not in (".", "(", "[")
    if is_value and token.text in local and token.text not in GIVEN:
        others = [name for name in local if name not in GIVEN]
        at = others.index(token.text)
        for other in {others[at - 1]: 0, others[(at + 1) % len(others)]: 0}:
            yield Edit("other name", token.start, token.end, other)
