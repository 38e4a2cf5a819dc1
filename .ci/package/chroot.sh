#!/usr/bin/env bash
# Installs the Debian package on a bare Debian, runs its self-test there as an ordinary user, purges it, looks what is left.
#
#   .ci/package/chroot.sh DEB OUT      needs root, debootstrap and a package index; reports and pictures go to OUT
#
# Debian of the building machine, with nothing but its required packages: what the program needs and the package does
# not name is missing here.  The X server runs outside, so that none of its libraries helps.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ "${1:-}" != inside ]; then
    deb=$(realpath "${1:?the package}") out=${2:?where reports go}
    mkdir -p "$out"
    out=$(realpath "$out")
    [ "$(id -u)" = 0 ] || { echo "installing into a chroot needs root" >&2; exit 1; }
    # shellcheck source=/dev/null
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    mirror=$(apt-get indextargets --format '$(SITE)' "Codename: $suite" | head -1)
    [ -n "$mirror" ] || { echo "apt here names no index of $suite" >&2; exit 1; }
    # All sections that apt here reads: Ubuntu keeps some of the libraries in another than main.
    sections=$(apt-get indextargets --format '$(COMPONENT)' "Codename: $suite" | sort -u | paste -sd,)
    # Mounts of its own, gone with the last process whatever happens.
    exec unshare --mount --pid --fork --kill-child --propagation private "$0" inside "$deb" "$out" "$suite" "$mirror" "$sections"
fi
deb=$2 out=$3 suite=$4 mirror=$5 sections=$6
log=$out/chroot.log
: > "$log"
say() { echo "$*" | tee -a "$log"; }
root=$(mktemp -d)
chmod 755 "$root"  # an ordinary user must be able to stand in it
cleanup() {
    kill "${manager:-}" "${server:-}" 2>/dev/null || true
    umount --recursive "$root/proc" "$root/dev" 2>/dev/null || true
    rm -rf --one-file-system "$root"
}
trap cleanup EXIT

debootstrap --variant=minbase --components="$sections" "$suite" "$root" "$mirror" >> "$log" 2>&1 || { tail -5 "$log" >&2; exit 1; }
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --make-rslave "$root/dev"
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"  # no service is started in here
chmod 755 "$root/usr/sbin/policy-rc.d"
cp /etc/resolv.conf "$root/etc/resolv.conf"
[ -e "$root/etc/hosts" ] || printf '127.0.0.1\tlocalhost\n::1\tlocalhost\n' > "$root/etc/hosts"  # as an installer writes it
cp "$deb" "$root/alphapanda.deb"
in_chroot() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
everything() { (cd "$root" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./tmp \) -prune -o -iname '*alphapanda*' -print | sort); }

say "bare Debian $suite: $(chroot "$root" dpkg-query -W | wc -l) packages"
in_chroot apt-get update >> "$log" 2>&1
in_chroot apt-get install -y --no-install-recommends /alphapanda.deb >> "$log" 2>&1 || { tail -20 "$log" >&2; exit 1; }
rm "$root/alphapanda.deb"
say "installed with $(chroot "$root" dpkg-query -W | wc -l) packages: $(in_chroot alphapanda --version)"
in_chroot dpkg --verify alphapanda | tee -a "$log"
chroot "$root" useradd --create-home --home-dir /var/trader trader

exec 3< <(exec Xvfb -displayfd 1 -screen 0 1600x900x24 -nolisten tcp 2>/dev/null)
server=$!
read -r display <&3
DISPLAY=:$display openbox > /dev/null 2>&1 &  # keys reach an active window, and only a window manager makes one active
manager=$!

# As `trader`, with an empty environment, in another folder; the program's own place belongs to root.
self_test() {
    local how=$1 code=0
    shift
    chroot --userspec=trader "$root" env -i "$@" \
        sh -c 'cd / && exec alphapanda --self-test "$HOME/report.json" --screenshot "$HOME/picture.png"' \
        > "$out/chroot-$how.txt" 2>&1 || code=$?
    cp "$root/var/trader/report.json" "$out/chroot-$how.json" 2>/dev/null || true
    cp "$root/var/trader/picture.png" "$out/chroot-$how.png" 2>/dev/null || true
    grep -E '^FAIL' "$out/chroot-$how.txt" | tee -a "$log" || true
    [ "$code" = 0 ] || { say "self-test $how: exit code $code"; tail -5 "$out/chroot-$how.txt" >&2; return 1; }
    say "self-test $how: $(grep -c '^ok' "$out/chroot-$how.txt") checks ok"
}
user=(HOME=/var/trader PATH=/usr/bin:/bin)
failed=0
self_test offscreen "${user[@]}" QT_QPA_PLATFORM=offscreen || failed=1
self_test x11 "${user[@]}" DISPLAY=":$display" || failed=1

in_chroot apt-get purge -y alphapanda >> "$log" 2>&1
left=$(everything | grep -v '^./var/trader/' || true)
if [ -n "$left" ]; then say "left behind after purging: $left"; failed=1; else say "purged: nothing is left"; fi
exit $failed
