#!/usr/bin/env bash
# Times the demonstration as a newcomer meets it: a fresh clone in an empty
# environment, from the end of the build to the first page, and to the end of the
# story. It fails where the page takes more than a minute, or the story more than five.
#
#   docs/measure-demo.sh [PORT]       of this machine, 8299 by default
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
port=${1:-8299}
work=$(mktemp -d)
demo=
trap '[ -z "$demo" ] || kill "$demo" 2>/dev/null || true; wait; chmod -R u+w "$work"; rm -rf "$work"' EXIT
git clone -q . "$work/clone"
mkdir "$work/home"
bare() { env -i HOME="$work/home" PATH="$PATH" "$@"; }

begun=$SECONDS
bare "$work/clone/run" demo --help >"$work/out" 2>&1 || { cat "$work/out" >&2; exit 1; }
echo "built in $((SECONDS - begun)) s"

begun=$SECONDS
bare "$work/clone/run" demo --listen "127.0.0.1:$port" >"$work/out" 2>&1 &
demo=$!
# reached WHAT SECONDS COMMAND... waits for the command to succeed.
reached() {
	local what=$1 most=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		if ! kill -0 "$demo" 2>/dev/null || [ $((SECONDS - begun)) -gt "$most" ]; then
			echo "docs/measure-demo.sh: $what isn't there after $((SECONDS - begun)) s:" >&2
			cat "$work/out" >&2
			exit 1
		fi
		sleep 0.2
	done
	echo "$what after $((SECONDS - begun)) s"
}
page() { curl -sf -L -H 'Accept: text/html' "http://127.0.0.1:$port/" | grep -q guide-title; }
reached "the first page" 60 page
reached "the end of the story" 300 grep -q "The story ended: the case is closed, exported and audited" "$work/out"
