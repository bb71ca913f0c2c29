#!/usr/bin/env bash
# Prints the path of the regsweep that action.yml runs. INSTALL_MODE says where it comes from:
#
#   path      the runner's PATH
#   download  the release in checksums.txt, from GitHub or from MIRROR, kept in the runner's tool cache
#   build     this checkout, by the runner's Go
#
# Without it the first of these that can be. A download runs only when its SHA-256 is the one in checksums.txt.
set -euo pipefail
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)

fail() {
  echo "::error title=regsweep::$*" >&2
  exit 2
}

platform() {
  local os arch exe=
  case "${RUNNER_OS:-$(uname -s)}" in
    Linux) os=linux ;;
    macOS | Darwin) os=darwin ;;
    Windows | MINGW* | MSYS*) os=windows exe=.exe ;;
    *) return 1 ;;
  esac
  case "${RUNNER_ARCH:-$(uname -m)}" in
    X64 | x86_64) arch=amd64 ;;
    ARM64 | aarch64 | arm64) arch=arm64 ;;
    *) return 1 ;;
  esac
  echo "regsweep_${os}_$arch$exe"
}

# release prints "SHA-256 VERSION/ASSET" for this platform, or nothing.
release() {
  local asset
  asset=$(platform) || return 0
  while read -r sum file; do
    case "$sum" in '' | '#'*) continue ;; esac
    if [ "${file##*/}" = "$asset" ]; then echo "$sum $file"; fi
  done <"${CHECKSUMS:-$here/checksums.txt}"
}

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -d ' ' -f 1
}

download() {
  local sum file dir program
  read -r sum file <<<"$(release)" || true
  if [ -z "$file" ]; then
    fail "there is no release for $(uname -s) on $(uname -m) to download: put regsweep on PATH, or use install-mode: build"
  fi
  dir="${RUNNER_TOOL_CACHE:-$RUNNER_TEMP}/regsweep/$sum"
  program="$dir/${file##*/}"
  if [ ! -f "$program" ] || [ "$(sha256 "$program")" != "$sum" ]; then
    mkdir -p "$dir"
    curl --fail --silent --show-error --location --retry 3 --max-time 300 --output "$program.part" \
      "${MIRROR:-https://github.com/regsweep/regsweep/releases/download}/$file" ||
      fail "cannot download $file"
    if [ "$(sha256 "$program.part")" != "$sum" ]; then
      rm -f "$program.part"
      fail "$file has not the SHA-256 $sum that action/checksums.txt has: it was not run"
    fi
    chmod +x "$program.part"
    mv -f "$program.part" "$program"
  fi
  echo "$program"
}

build() {
  command -v go >/dev/null || fail "neither regsweep nor go is on PATH: add actions/setup-go before this step, or install regsweep on the runner"
  # The settings of the job's own Go project must not reach this build.
  CGO_ENABLED=0 GOFLAGS='' GOWORK=off go build -C "$here/.." -trimpath -buildvcs=false -o "${RUNNER_TEMP:?}/regsweep-bin/regsweep" . >&2
  echo "$RUNNER_TEMP/regsweep-bin/regsweep"
}

case "${INSTALL_MODE:-}" in
  path) command -v regsweep || fail "install-mode is path, and regsweep is not on PATH" ;;
  download) download ;;
  build) build ;;
  '')
    if command -v regsweep; then
      exit
    elif [ -n "$(release)" ]; then
      download
    else
      build
    fi
    ;;
  *) fail "install-mode is one of path, download and build" ;;
esac
