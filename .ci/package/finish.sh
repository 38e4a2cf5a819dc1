#!/usr/bin/env bash
# What PyInstaller leaves to do to a built folder on Linux: Python's symbols, and the building machine's folders.
#
#   .ci/package/finish.sh DIST
#
# Python's own files alone: three quarters of their size are symbols, and where Python was built for one folder they
# look for libraries there, and name it.  Those of wheels stay as they are: numpy's break when they are stripped, and
# chrpath misreads what auditwheel wrote.
set -euo pipefail
inside=${1:?the folder that was built}/_internal
[ "$(uname -s)" = Linux ] || exit 0
# Where Python stands, without the last folder of it: that one may be the end of another text as well (its version is
# "3.11.7" in both), for linkers put texts of one ending in one place.  In its stead /usr with as many slashes as make
# it as long, which is the same folder to a system.
above=$("$(dirname "$0")/../../.venv/bin/python" -c 'import os, sys; print(os.path.dirname(sys.base_prefix))')
neutral=/usr$(printf '%*s' $((${#above} > 4 ? ${#above} - 4 : 0)) '' | tr ' ' /)
find "$inside" \( -name 'libpython3*.so*' -o -path '*/lib-dynload/*.so' \) -type f | while read -r library; do
    strip --strip-unneeded "$library"
    if readelf -d "$library" | grep -qE 'R(UN)?PATH.*\[/'; then chrpath -d "$library" > /dev/null; fi
    case $above in / | /usr | /usr/*) ;; *) LC_ALL=C sed -i "s|$above/|$neutral/|g" "$library" ;; esac
done
