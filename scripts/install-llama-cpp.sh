#!/bin/sh
# Installs llama-cpp-python from a wheel that was built with flags safe for this machine. PyPI has its source only, and building takes
# minutes, so the wheel is kept in the user's cache under a name made of the version and the flags. More flags may follow the requirement.
set -eu
requirement="$1"
more="${2:-}"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/rankkit-build"
flags="$("$BIN/rankkit" doctor --llama-build-flags)${more:+ $more}"
wheels="$cache/$(printf '%s %s' "$requirement" "$flags" | cksum | cut -d ' ' -f 1)"
if ! ls "$wheels"/llama_cpp_python-*.whl >/dev/null 2>&1; then
    echo "building $requirement (once; a few minutes) with: ${flags:-the default flags}"
    mkdir -p "$wheels"
    CMAKE_ARGS="$flags" "$BIN/python" -m pip wheel --quiet --no-cache-dir --no-binary llama-cpp-python --no-deps \
        --wheel-dir "$wheels.part" "$requirement"
    mv "$wheels.part"/*.whl "$wheels"/
    rmdir "$wheels.part"
fi
"$BIN/python" -m pip install --quiet "$wheels"/llama_cpp_python-*.whl
