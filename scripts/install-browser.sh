#!/bin/sh
# Chromium and its driver, in which the tests open report.html: from Debian's packages, once. Where they cannot be had,
# those tests skip and say so.
set -eu

have() { command -v "$1" >/dev/null 2>&1; }

if have chromium && have chromedriver; then
    exit 0
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
    as_root="sudo"
fi
if ! have apt-get || { [ -n "$as_root" ] && ! have sudo; }; then
    echo "There is no Chromium, and no way to install it here: tests of reports in a browser will be skipped."
    exit 0
fi
$as_root apt-get update
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium chromium-driver fonts-dejavu-core
