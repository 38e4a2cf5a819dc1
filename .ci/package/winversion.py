#!/usr/bin/env python
"""What Windows shows under Properties > Details of alphapanda.exe, in the form that PyInstaller reads.

winversion.py VERSION FILE
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

FIELDS = {
    "CompanyName": "AlphaPanda",
    "FileDescription": "AlphaPanda Desktop",
    "InternalName": "alphapanda",
    "OriginalFilename": "alphapanda.exe",
    "ProductName": "AlphaPanda Desktop",
}
ENGLISH_UNICODE = "040904B0"


def resource(version: str) -> str:
    """The resource of this version, as the text of a VSVersionInfo."""
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:4])
    four = (*numbers, 0, 0, 0, 0)[:4]
    fields = FIELDS | {"FileVersion": version, "ProductVersion": version}
    strings = ", ".join(f"StringStruct({name!r}, {value!r})" for name, value in fields.items())
    return f"""VSVersionInfo(
  ffi=FixedFileInfo(filevers={four}, prodvers={four}, mask=0x3f, flags=0x0, OS=0x40004, fileType=0x1, subtype=0x0,
                    date=(0, 0)),
  kids=[
    StringFileInfo([StringTable({ENGLISH_UNICODE!r}, [{strings}])]),
    VarFileInfo([VarStruct('Translation', [1033, 1200])])
  ]
)
"""


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(resource(sys.argv[1]), encoding="utf-8")
