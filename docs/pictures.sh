#!/usr/bin/env bash
# Takes the pictures of the README and of docs/demo.md anew, from the running
# demonstration: a test plays it in Chromium and keeps what is seen. Look at them
# before they are committed.
#
#   docs/pictures.sh
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p docs/pictures
TOCSIN_PICTURES=$PWD/docs/pictures go test ./demo -count=1 -run '^TestViewer$'
ls -l docs/pictures
