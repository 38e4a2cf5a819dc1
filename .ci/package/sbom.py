#!/usr/bin/env python
"""The software bill of materials, CycloneDX 1.6 as JSON, from the lock, the metadata and the files that went in.

    sbom.py FOLDER [COLLECTED]     writes sbom.cdx.json

The hashes of a library are of the distribution files that the lock admits; those of a system part, of the files that
were taken. Serial number and time follow from the content, so the same parts make the same bill.
"""

from __future__ import annotations

import json
import os
import re
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components import ROOT, Part, parts
from papers import collected

NAMESPACE = uuid.UUID("5b0ad4c5-6bd5-4c8c-a6a8-5ff3a2f5a3c1")
LISTED = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "Bitstream-Vera", "CC0-1.0", "ISC", "LGPL-2.1-only",
    "LGPL-3.0-only", "MIT", "MIT-0", "MPL-2.0", "OFL-1.1", "PSF-2.0", "Unicode-3.0", "Unlicense", "ZPL-2.1", "Zlib",
}  # fmt: skip
"""Identifiers of the SPDX list that occur here; any other word is given as a name, which claims less."""


def bill(found: list[Part], version: str, at: datetime) -> dict[str, Any]:
    """The whole document."""
    root = f"pkg:generic/alphapanda-desktop@{version}"
    program = {"type": "application", "bom-ref": root, "name": "alphapanda-desktop", "version": version, "purl": root}
    components = [_component(part) for part in found]
    depends = [{"ref": part.purl, "dependsOn": sorted(set(part.needs))} for part in found]
    needed = {need for part in found for need in part.needs}
    depends.append({"ref": root, "dependsOn": sorted(part.purl for part in found if part.purl not in needed)})
    serial = uuid.uuid5(NAMESPACE, json.dumps([program, components, depends], sort_keys=True))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}", "version": 1,
        "metadata": {"timestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "component": program},
        "components": components, "dependencies": depends,
    }  # fmt: skip


def _component(part: Part) -> dict[str, Any]:
    kind = "data" if part.kind == "font" else "library"
    made: dict[str, Any] = {"type": kind, "bom-ref": part.purl, "name": part.name}
    if part.version:
        made["version"] = part.version
    if part.licence != "unknown":
        made["licenses"] = [_licence(part.licence)]
    made["purl"] = part.purl
    hashes = [{"alg": "SHA-256", "content": one} for one in part.hashes]
    references = []
    if part.kind == "library":  # one of these files was installed, and no other may be
        admitted = {"type": "distribution", "url": part.purl, "comment": "files that the lock admits"}
        references.append(admitted | {"hashes": hashes})
    elif hashes:
        made["hashes"] = hashes
    if part.home:
        references.append({"type": "website", "url": part.home})
    return made | ({"externalReferences": references} if references else {})


def _licence(words: str) -> dict[str, Any]:
    if words in LISTED:
        return {"license": {"id": words}}
    spdx = [word for word in re.split(r"[\s()]+", words) if word not in ("AND", "OR", "WITH", "")]
    if len(spdx) > 1 and all(word in LISTED or word.endswith("exception") for word in spdx):
        return {"expression": words}
    return {"license": {"name": words}}


def written_at() -> datetime:
    """The time of the sources where the build gives one (SOURCE_DATE_EPOCH), else now."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.fromtimestamp(int(given), UTC) if given else datetime.now(UTC)


def program_version() -> str:
    """What the program calls itself."""
    text = (ROOT / "alphapanda_desktop" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'__version__ = "(.+?)"', text)
    if found is None:
        raise SystemExit("alphapanda_desktop/__init__.py names no version")
    return found[1]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    document = bill(parts(collected(sys.argv[1:])), program_version(), written_at())
    (folder / "sbom.cdx.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
