#!/usr/bin/env bash
# Measures what docs/measurements.md tells of scanning: whole processes, user and
# system seconds together, peak memory, on one core. The files are generated: an easy
# conn.log, a hard one (500,000 ways and a million outsiders), EVE. Absolute times vary
# with the machine: compare within one run.
#
#   docs/measure-scan.sh [LIST…]      with lists of indicators, if some are named
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
CGO_ENABLED=0 go build -trimpath -o bin/tocsin ./cmd/tocsin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GOMAXPROCS=1 XDG_CACHE_HOME=$work/cache # empty: the first scan fills it

lists=(--no-indicators)
[ $# -eq 0 ] || { lists=(); for l in "$@"; do lists+=(--indicators "$l"); done; }

# spent COMMAND... gives CPU seconds and peak memory in $cpu and $peak.
spent() {
	/usr/bin/time -o "$work/time" -f '%U %S %M' "$@" >"$work/out"
	read -r user system peak <"$work/time"
	cpu=$(awk -v u="$user" -v s="$system" 'BEGIN { print u + s }')
}

: >"$work/empty.log"
echo "$(nproc) cores, one used, load $(cut -d' ' -f1 /proc/loadavg), $(./bin/tocsin version)"
# begins WHAT [FLAG] measures a scan of nothing.
begins() {
	spent ./bin/tocsin scan "${@:2}" "${lists[@]}" "$work/empty.log"
	printf '%-34s %36.2f CPU-s  %4d MB peak\n' "$1" "$cpu" $((peak / 1024))
}
begins "start, the lists read" --no-cache
read_start=$cpu
begins "start, a compiled copy written"
begins "start, the compiled copy read"
start=$cpu
for kind in easy:2500000 hard:2500000 eve:1000000; do
	rows=${kind#*:} name=${kind%:*}
	go test ./sensor -run TestWriteTraffic -traffic.write "$work/$name" -traffic.kind "$name" -traffic.rows "$rows" >/dev/null
	for i in 1 2 3; do
		spent ./bin/tocsin scan "${lists[@]}" --format json "$work/$name"
		awk -v n="$name" -v r="$rows" -v c="$cpu" -v s="$start" -v l="$read_start" -v m="$peak" 'BEGIN {
			printf "%-10s %9d records %8d a CPU-second, %8d without the start, %8d with the lists read  %6.2f CPU-s  %4d MB peak\n", n, r, r/c, r/(c-s), r/(c-s+l), c, m/1024 }'
	done
	rm "$work/$name"
done
