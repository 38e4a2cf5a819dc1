#!/usr/bin/env bash
# Signs the bundle, has Apple notarise it where the owner's account is named, and packs it.  Not run from where it was written.
#
#   .ci/package/macos/sign.sh APP ZIP
#
# Without a certificate it is signed with no one's name: it runs where it was built, and Gatekeeper warns everybody else.
# What only the owner has, in the environment:
#   MACOS_CERTIFICATE, MACOS_CERTIFICATE_PASSWORD        "Developer ID Application" with its key, PKCS #12 in base64
#   MACOS_NOTARY_KEY, MACOS_NOTARY_KEY_ID, MACOS_NOTARY_ISSUER    a key of App Store Connect: the .p8 itself, id, issuer
set -euo pipefail
app=${1:?the bundle} zip=${2:?the archive to write}
entitlements=$(dirname "$0")/entitlements.plist
own=$(mktemp -d)
keychain=$own/sign.keychain-db
trap 'security delete-keychain "$keychain" 2>/dev/null || true; rm -rf "$own"' EXIT

identity=- stamp=--timestamp=none
if [ -n "${MACOS_CERTIFICATE:-}" ]; then
    word=$(openssl rand -hex 20)
    security create-keychain -p "$word" "$keychain"
    security set-keychain-settings -lut 3600 "$keychain"
    security unlock-keychain -p "$word" "$keychain"
    printf %s "$MACOS_CERTIFICATE" | base64 --decode > "$own/certificate.p12"
    security import "$own/certificate.p12" -k "$keychain" -P "${MACOS_CERTIFICATE_PASSWORD:-}" -T /usr/bin/codesign
    security set-key-partition-list -S apple-tool:,apple: -s -k "$word" "$keychain" > /dev/null
    security list-keychains -d user -s "$keychain" $(security list-keychains -d user | tr -d '"')
    identity=$(security find-identity -v -p codesigning "$keychain" | awk 'NR == 1 { print $2 }')
    stamp=--timestamp
fi

# From the inside out, for a signature covers those beneath it: libraries, the web engine's own process, frameworks, the whole.
sign() { codesign --force --options runtime "$stamp" --sign "$identity" --entitlements "$entitlements" "$@"; }
find "$app/Contents" -type f \( -name '*.so' -o -name '*.dylib' \) -print0 | while IFS= read -r -d '' one; do sign "$one"; done
find "$app/Contents" -type d -name 'QtWebEngineProcess.app' -prune -print0 | while IFS= read -r -d '' one; do sign "$one"; done
find "$app/Contents/Frameworks" -type d -name '*.framework' -prune -print0 | while IFS= read -r -d '' one; do sign "$one"; done
sign "$app"
codesign --verify --deep --strict --verbose=2 "$app"
plutil -lint "$app/Contents/Info.plist"

# ditto keeps the links inside the bundle, which other archivers turn into copies
ditto -c -k --keepParent "$app" "$zip"
if [ -n "${MACOS_NOTARY_KEY:-}" ]; then
    [ "$identity" != - ] || { echo "Apple notarises nothing that no one signed: MACOS_CERTIFICATE is missing" >&2; exit 1; }
    printf %s "$MACOS_NOTARY_KEY" > "$own/key.p8"
    xcrun notarytool submit "$zip" --wait --timeout 40m --key "$own/key.p8" --key-id "$MACOS_NOTARY_KEY_ID" --issuer "$MACOS_NOTARY_ISSUER"
    xcrun stapler staple "$app"
    spctl --assess --type execute --verbose "$app"
    ditto -c -k --keepParent "$app" "$zip"
else
    echo "not notarised: no key of App Store Connect is named"
fi
