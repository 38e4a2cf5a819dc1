#!/usr/bin/env bash
# What Debian's own tools say of the package and of its desktop entry; silent where they find nothing.
#
#   .ci/package/check-deb.sh DEB
set -euo pipefail
cd "$(dirname "$0")/../.."
desktop-file-validate .ci/package/linux/alphapanda.desktop
echo "desktop-file-validate: nothing"
# --allow-root: it only reads.  Errors and warnings fail; each that is overridden has its reason beside it.
lintian --no-cfg --profile debian --allow-root --fail-on error,warning --tag-display-limit 0 "${1:?the package}"
echo "lintian: nothing beyond the reasoned overrides"
