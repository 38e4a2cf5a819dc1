#!/usr/bin/env bash
# A Debian package and an archive of the built folder.
#
#   .ci/package/deb.sh DIST OUT      writes OUT/alphapanda_VERSION_ARCH.deb and OUT/alphapanda-VERSION-linux-ARCH.tar.zst
#
# No maintainer scripts: the desktop's own triggers see new entries and icons, and purging leaves nothing but what the
# person made.  `make package` has built DIST, and build/parts with the icons.
set -euo pipefail
cd "$(dirname "$0")/../.."
dist=${1:?the folder that was built} out=${2:?where to}
parts=.ci/package/linux made=build/parts
maintainer="AlphaPanda <packages@alphapanda.in>"  # a placeholder, for the owner to settle: docs/packaging.md
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' alphapanda_desktop/__init__.py)
architecture=$(dpkg --print-architecture)
debian_version=$version-1
# The C library is not bundled; what was built here needs at least the one it was linked with.
glibc=$(ldd --version | sed -n '1s/.* //p')
when=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
share=$tree/usr/share
install -d "$tree/DEBIAN" "$tree/usr/bin" "$tree/usr/lib" "$share/man/man1" "$share/doc/alphapanda" "$share/lintian/overrides"
cp -a "$dist" "$tree/usr/lib/alphapanda"
ln -s ../lib/alphapanda/alphapanda "$tree/usr/bin/alphapanda"
install -Dm644 "$parts/alphapanda.desktop" "$share/applications/alphapanda.desktop"
install -d "$share/icons"
cp -r "$made/hicolor" "$share/icons/hicolor"
install -Dm644 resources/alphapanda.svg "$share/icons/hicolor/scalable/apps/alphapanda.svg"
install -m644 "$parts/copyright" "$share/doc/alphapanda/copyright"
sed "s/@VERSION@/$version/" "$parts/alphapanda.1" | gzip -9n > "$share/man/man1/alphapanda.1.gz"
printf 'alphapanda (%s) unstable; urgency=medium\n\n  * Version %s; what is new is in CHANGELOG.md.\n\n -- %s  %s\n' \
    "$debian_version" "$version" "$maintainer" "$(LC_ALL=C date -u -R -d "@$when")" \
    | gzip -9n > "$share/doc/alphapanda/changelog.Debian.gz"
install -m644 "$parts/lintian-overrides" "$share/lintian/overrides/alphapanda"

# Libraries need no x bit, folders and files the same rights whatever the builder's umask was.
find "$tree" -type d -exec chmod 755 {} +
find "$tree/usr" -type f -exec chmod 644 {} +
chmod 755 "$tree/usr/lib/alphapanda/alphapanda" "$tree/usr/lib/alphapanda/_internal/PySide6/Qt/libexec/QtWebEngineProcess"
find "$tree" -newermt "@$when" -exec touch --no-dereference --date="@$when" {} +

sed -e "s/@VERSION@/$debian_version/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@GLIBC@/$glibc/" \
    -e "s/@MAINTAINER@/$maintainer/" \
    -e "s/@SIZE@/$(du -k -s --apparent-size "$tree/usr" | cut -f1)/" "$parts/control" > "$tree/DEBIAN/control"
(cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum > DEBIAN/md5sums)
mkdir -p "$out"
package=$out/alphapanda_${debian_version}_$architecture.deb
# xz, for Debian's own checks take no other; the archive beside it unpacks ten times as fast.
SOURCE_DATE_EPOCH=$when dpkg-deb --root-owner-group -Zxz -z1 --build "$tree" "$package" > /dev/null
archive=$out/alphapanda-$version-linux-$architecture.tar.zst
tar --directory "$tree/usr/lib" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$when" -cf - alphapanda \
    | zstd -q -9 -T0 -f -o "$archive"
ls -l --block-size=K "$package" "$archive" | awk '{ print $5, $9 }'
