"""The English sentences that the window shows, as the sources hold them: what a catalogue has to know.

A sentence is a string of the window's own modules that reads like words, with numbered gaps where an f-string puts
something in. Left out: docstrings, names of objects and of the wire, style sheets, and what is only logged or raised
for a programmer. `python tests/words_shown.py` prints, as the lines of a `.po` file, what the Hindi catalogue lacks.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent / "alphapanda_desktop"
WORD = re.compile(r"[A-Za-z]{2}")
READS_LIKE_WORDS = re.compile(r"^[\W\d]*(?:[A-Z][a-z]|[A-Za-z]+[ ….,:?!])|\w \w|^&|[a-z]&[a-z]|\{\d\}.*[a-z]{3}")
CODE = re.compile(
    r"^[\w./{}\-]*[_/][\w./{}\-]*$|[{};]\s*\S+:|: \S+;|^#|^\w+\.\w+$|^--|%[YmdHMSabBL]|^https?:|^[a-z]+://"
    r"|^Q[A-Z]\w+|^\w+\(|::|^(utf|ascii|latin)"
)
SILENT = {
    "debug", "info", "warning", "error", "exception", "getLogger", "setObjectName", "find", "TypeVar", "setProperty",
    "setStyleSheet", "compile", "spawn", "getattr", "TypeError", "AssertionError", "NewType", "findChild", "strftime",
    "startswith", "endswith", "removeprefix", "split", "partition", "save", "Literal",
}  # fmt: skip
LEFT_OUT = {"reportpdf.py", "catalogue.py", "theme.py", "recolour.py", "edge.py", "fonts.py"}


def sentences(paths: list[Path]) -> dict[str, str]:
    """Every sentence with where it was found first."""
    found: dict[str, str] = {}
    for path in paths:
        for text in sentences_in(path.read_text(encoding="utf-8")):
            found.setdefault(text, path.name)
    return found


def ui_paths() -> list[Path]:
    return [path for path in sorted((ROOT / "ui").rglob("*.py")) if path.name not in LEFT_OUT]


def sentences_in(source: str) -> Iterator[str]:
    tree = ast.parse(source)
    for node in _shown(tree):
        text = _text_of(node)
        if text is not None and _reads_like_words(text):
            yield plain(text)


def plain(text: str) -> str:
    """Without what a menu adds: the mark of its letter and the key behind a tab."""
    return re.sub(r"&(?!L\b)(\w)", r"\1", text.partition("\t")[0]).strip()


def _reads_like_words(text: str) -> bool:
    bare = re.sub(r"\{\d\}", "", text)
    return bool(WORD.search(bare) and READS_LIKE_WORDS.search(text) and not CODE.search(text.strip()))


def _shown(node: ast.AST) -> Iterator[ast.expr]:
    """Strings from the outside in: what an f-string is made of is not looked at again, its gaps are."""
    for child in _children(node):
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child
        elif isinstance(child, ast.JoinedStr):
            yield child
            for part in child.values:
                if isinstance(part, ast.FormattedValue):
                    yield from _shown(part)
        else:
            yield from _shown(child)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call) and _name_of(node.func) in SILENT:
        return
    if isinstance(node, ast.Subscript) and _name_of(node.value) in SILENT:
        return
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_docstring(child):
                yield child


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _text_of(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant):
        return str(node.value)
    assert isinstance(node, ast.JoinedStr)
    text, gaps = "", 0
    for part in node.values:
        if isinstance(part, ast.Constant):
            text += str(part.value)
        else:
            text += f"{{{gaps}}}"
            gaps += 1
    return text if gaps < 10 else None


if __name__ == "__main__":
    from alphapanda_desktop.ui.catalogue import GAP, read_catalogue

    known = read_catalogue("hi")
    for text, where in sentences(ui_paths()).items():
        if not known.knows(text) and not known.knows(GAP.sub("7", text)):
            quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            print(f'#: {where}\nmsgid "{quoted}"\nmsgstr ""\n')
