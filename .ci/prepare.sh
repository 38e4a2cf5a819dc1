#!/usr/bin/env bash
# Brings a machine to the point where one make target can run: system libraries, .venv, hash-checked install.
#
#   .ci/prepare.sh run|test|bench|lint|package|package-test
#
# Doing nothing is the common case and takes a moment.  PYTHON names the interpreter to build .venv from.
set -euo pipefail
cd "$(dirname "$0")/.."
job=${1:?one of run, test, bench, lint, package, package-test}

# What Qt, QtWebEngine and the xcb and Wayland plugins load at run time and no wheel brings along.
# Found with the packaged program on a minimal Debian 12; one left out is a start that dies without a word.
program_libraries="libegl1 libgl1 libglib2.0-0 libfontconfig1 libgssapi-krb5-2 libdbus-1-3 libxkbcommon-x11-0
 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxcb-image0 libxcb-render-util0 libnss3
 libxcomposite1 libxdamage1 libxrandr2 libxtst6 libasound2 libxkbfile1 libwayland-cursor0 libwayland-egl1"
# A screen, a window manager, a keyring and fonts for the tests; git for the house rules; objdump and strip for PyInstaller.
test_tools="xvfb openbox xdotool imagemagick dbus gnome-keyring fonts-noto-core git"
package_tools="binutils chrpath openbox xvfb zstd"
package_test_tools="debootstrap lintian desktop-file-utils openbox xvfb"

die() { printf '%s\n' "$*" >&2; exit 1; }

is_recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3}; do
        if is_recent "$candidate"; then command -v "$candidate"; return; fi
    done
}

# Debian 13 and Ubuntu 24.04 renamed some libraries (libasound2t64); either name will do.
is_installed() {
    local states
    states=$(dpkg-query -W -f='${db:Status-Status}\n' "$1" "$1t64" 2>/dev/null || true)  # fails for the other name
    grep -qx installed <<< "$states"
}

name_here() {
    if [ -n "$(apt-cache show "$1" 2>/dev/null || true)" ]; then echo "$1"; else echo "$1t64"; fi
}

# Sets `missing` to those of the given packages that this Debian lacks.
look_for() {
    local package
    missing=()
    for package in "$@"; do is_installed "$package" || missing+=("$package"); done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

# Installs the given Debian packages, or says which ones a person with the right to must install.
need_packages() {
    local wanted=() package
    look_for "$@"
    [ ${#missing[@]} -gt 0 ] || return 0
    may_install || die "These Debian packages are missing, and this user may not install them:
    ${missing[*]}
Ask for:  apt-get install ${missing[*]}"
    echo "installing: ${missing[*]}"
    as_root apt-get update -qq
    for package in "${missing[@]}"; do wanted+=("$(name_here "$package")"); done
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}" > /dev/null
}

# What Debian splits off its interpreter: venv, and the shared library that PyInstaller bundles.
of_python() {
    local python version
    python=$(find_python)
    [ -n "$python" ] || { echo python3 python3-venv; return; }
    case $python in /usr/bin/*) ;; *) return 0 ;; esac
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    "$python" -c 'import ensurepip' 2>/dev/null || echo "python$version-venv"
    [ "$job" != package ] || echo "libpython$version"
}

of_system() {
    case $job in
        run) echo "$program_libraries" ;;
        test | bench) echo "$program_libraries $test_tools" ;;
        package) echo "$program_libraries $package_tools" ;;
        package-test) echo "$package_test_tools" ;;
    esac
    [ "$job" = package-test ] || of_python
}

# In one go, so that who may not install hears of everything at once; an interpreter that is new may need more.
debian_packages() {
    if command -v dpkg-query >/dev/null; then
        # shellcheck disable=SC2046  # a list of package names
        need_packages $(of_system)
        if [ "$job" != package-test ]; then
            # shellcheck disable=SC2046
            need_packages $(of_python)
        fi
    elif [ "$(uname -s)" = Linux ]; then
        echo "This is no Debian; the following must be there under whatever name they have here:" $(of_system)
    fi
}

virtual_environment() {
    local python
    python=$(find_python)
    [ -n "$python" ] || die "Python 3.11 or later is needed${PYTHON:+ (PYTHON=$PYTHON is not)}; name one with: make PYTHON=… "
    if [ ! -x "$bin/python" ] || ! is_recent "$bin/python"; then "$python" -m venv --clear .venv; fi
}

# What the environment was installed from: the lock, the project's own metadata, and where it stands,
# because an editable install remembers the folder. Tests and benchmarks are of the extras too.
with_extras() { case $job in test | bench) return 0 ;; *) return 1 ;; esac; }

fingerprint() {
    { pwd; cat requirements.lock pyproject.toml alphapanda_desktop/__init__.py; ! with_extras || cat .ci/extras.lock; } | "$bin/python" -c \
        'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())'
}

install() {
    local stamp=.venv/installed-from
    grep -qxF "$(fingerprint)" "$stamp" 2>/dev/null && return 0
    rm -f "$stamp"
    "$bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
    if with_extras; then
        "$bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r .ci/extras.lock
    fi
    "$bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
    fingerprint > "$stamp"
    if with_extras; then (job=run && fingerprint >> "$stamp"); fi  # what has the extras has the rest
}

case $(uname -s) in MINGW* | MSYS* | CYGWIN*) bin=.venv/Scripts ;; *) bin=.venv/bin ;; esac
debian_packages
[ "$job" != package-test ] || exit 0  # what was built has its Python with it
virtual_environment
install
