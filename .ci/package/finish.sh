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
# /usr with as many slashes as make it as long: the same folder to a system, and a byte that moves breaks a library.
prefix=$("$(dirname "$0")/../../.venv/bin/python" -c 'import sys; print(sys.base_prefix)')
neutral=/usr$(printf '%*s' $((${#prefix} > 4 ? ${#prefix} - 4 : 0)) '' | tr ' ' /)
find "$inside" \( -name 'libpython3*.so*' -o -path '*/lib-dynload/*.so' \) -type f | while read -r library; do
    strip --strip-unneeded "$library"
    if readelf -d "$library" | grep -qE 'R(UN)?PATH.*\[/'; then chrpath -d "$library" > /dev/null; fi
    case $prefix in /usr | /usr/*) ;; *) LC_ALL=C sed -i "s|$prefix|$neutral|g" "$library" ;; esac
done
