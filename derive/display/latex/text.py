"""Running text: any text as LaTeX."""

from __future__ import annotations

import re
import unicodedata

from derive.display.latex.printer import GREEK, SPELLED

SPECIAL = {character: rf"\{character}" for character in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}", "–": "--", "—": "---", "…": r"\ldots{}", "“": "``", "”": "''",
    "‘": "`", "’": "'", "×": r"$\times$", "·": r"$\cdot$", "∘": r"$\circ$", "±": r"$\pm$",
    "−": "$-$", "→": r"$\to$", "≤": r"$\leq$", "≥": r"$\geq$", "≈": r"$\approx$",
    "∈": r"$\in$", "∂": r"$\partial$", "∑": r"$\sum$", "√": r"$\surd$", "∞": r"$\infty$",
    "′": "$'$", "²": "$^2$", "³": "$^3$", "½": r"$\frac12$", "ᵀ": r"$^{\top}$",
    "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ø": r"\o{}",
    "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}", "đ": r"\dj{}", "Đ": r"\DJ{}", "ð": r"\dh{}",
    "þ": r"\th{}", "ı": r"\i{}",
}  # fmt: skip
ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u",
    "\u0307": ".", "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
    "\u0328": "k",
}  # fmt: skip


def escape(text: str) -> str:
    """Any text as LaTeX in ASCII, with places to break where a word is very long."""
    units: list[str] = []
    run = 0
    for character in unicodedata.normalize("NFD", " ".join(text.split())):
        if unicodedata.combining(character):
            if character in ACCENTS and units:
                units[-1] = rf"\{ACCENTS[character]}{{{units[-1]}}}"
            continue
        units.append(_unit(character))
        run = 0 if character == " " else run + 1
        if run > 20 or (run > 8 and character in "/._-?&=:"):
            units.append(r"\allowbreak{}")
            run = 0
    return "".join(units)


def _unit(character: str) -> str:
    """One character of running text."""
    if character in SPECIAL:
        return SPECIAL[character]
    if not character.isprintable():
        return ""
    if character.isascii():
        return character
    greek = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (\w+)", unicodedata.name(character, ""))
    if greek:
        letter = greek[2].lower() if greek[1] == "SMALL" else greek[2].capitalize()
        letter = SPELLED.get(letter, rf"\{letter}")
        if letter[1:] in GREEK or letter in SPELLED.values():
            return f"${letter}$"
    plainer = unicodedata.normalize("NFKC", character)
    if plainer.isascii():
        return "".join(map(_unit, plainer))
    return rf"\texttt{{U+{ord(character):04X}}}\allowbreak{{}}"
