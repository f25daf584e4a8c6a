#!/usr/bin/env bash
# Measures what docs/measurements.md tells: whole processes, user and system
# seconds together, peak memory. It takes the folder of sample data, ../shared/data
# by default. Absolute times vary with the machine: compare within one run.
#
#   docs/measure.sh [DATA]            parse and load of the 200,000-row report
#   docs/measure.sh --all [DATA]      also the 4.5 million rows of C2-Tracker
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
all=
[ "${1:-}" = --all ] && all=yes && shift
data=${1:-../shared/data}
report=$data/feeds/bench-shadowserver-200k/2026-11-23-event4_sinkhole-xx-geo.csv.gz
tracker=$data/feeds/c2-tracker/c2_observations_2022-2026.csv.gz
[ -r "$report" ] || { echo "docs/measure.sh: no sample data in $data; name the folder" >&2; exit 2; }
CGO_ENABLED=0 go build -trimpath -o bin/tocsin ./cmd/tocsin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# timed NAME ROWS COMMAND... prints a line: rows a CPU-second and peak memory.
timed() {
	local name=$1 rows=$2
	shift 2
	/usr/bin/time -o "$work/time" -f '%U %S %M' "$@" >"$work/out" 2>"$work/err"
	read -r user system peak <"$work/time"
	awk -v n="$name" -v r="$rows" -v u="$user" -v s="$system" -v m="$peak" \
		'BEGIN { printf "%-28s %9d rows  %6.2f CPU-s  %8d rows/CPU-s  %4d MB peak\n", n, r, u+s, r/(u+s), m/1024 }'
}

echo "$(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), $(./bin/tocsin version)"
for i in 1 2 3; do timed "parse" 200000 ./bin/tocsin parse --feed shadowserver "$report"; done
timed "holding import (ASN tables)" 515158 ./bin/tocsin holding import --data "$work/base" \
	"$data/traffic/asn/asn-ipv4.csv.gz" "$data/traffic/asn/asn-ipv6.csv.gz"
for i in 1 2 3; do
	rm -rf "$work/data"
	cp -r "$work/base" "$work/data"
	timed "load with attribution" 200000 ./bin/tocsin load --data "$work/data" --feed shadowserver "$report"
	tail -n 1 "$work/out"
done
timed "audit of it" 875000 ./bin/tocsin audit --data "$work/data"
timed "backup of it" 200000 ./bin/tocsin backup --data "$work/data" "$work/backup"
[ -n "$all" ] || exit 0
timed "load C2-Tracker" 4548646 ./bin/tocsin load --data "$work/tracker" --feed c2-tracker "$tracker"
timed "findings of it" 109489 ./bin/tocsin findings --data "$work/tracker" --format json
wc -l <"$work/out"
timed "audit of it" 4548646 ./bin/tocsin audit --data "$work/tracker"
