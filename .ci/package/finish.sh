#!/usr/bin/env bash
# What PyInstaller leaves to do to a built folder on Linux: Python's symbols, and search paths of the building machine.
#
#   .ci/package/finish.sh DIST
#
# Only Python's own files are stripped, three quarters of whose size are symbols: numpy's libraries break of it.
set -euo pipefail
inside=${1:?the folder that was built}/_internal
[ "$(uname -s)" = Linux ] || exit 0
find "$inside" \( -name 'libpython3*.so*' -o -path '*/lib-dynload/*.so' \) -type f -exec strip --strip-unneeded {} +
find "$inside" -name '*.so*' -type f | while read -r library; do
    path=$(chrpath -l "$library" 2>/dev/null | sed -n 's/.*R\(UN\)\?PATH=//p')
    case $path in '' | '$ORIGIN'*) ;; *) chrpath -d "$library" > /dev/null ;; esac
done
