#!/bin/sh
# Verifies the archive of a case in the folder in which it stands: README.txt says
# what each step shows. Needs sha256sum, xxd, base64 and openssl 3.
#   sh verify.sh [KEYFILE]
set -u
export LC_ALL=C
bad=0
say() { printf '%s\n' "$*"; }
fail() { say "BAD: $*"; bad=1; }
sha() { sha256sum | cut -c1-64; }
unhex() { xxd -r -p; }

cd "$(dirname "$0")" || exit 2
key=${1:-record/ledger.pub}
[ $# -gt 0 ] || say "note: no key given, so record/ledger.pub is used: it shows only that the archive agrees with itself"
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

say "1. files against SHA256SUMS"
sha256sum --quiet -c SHA256SUMS || fail "a file was altered since the export"
find . -type f ! -name SHA256SUMS | sed 's|^\./||' | sort > "$work/there"
cut -c67- SHA256SUMS | sort > "$work/listed"
cmp -s "$work/there" "$work/listed" || fail "files were added to the archive or taken from it"

say "2. what the export itself found"
[ ! -f FAULTS.txt ] || { cat FAULTS.txt; fail "the export told faults"; }

if [ ! -f record/checkpoint ]; then
	fail "there is no checkpoint"
else
	say "3. signature of the checkpoint"
	sed '/^$/,$d' record/checkpoint > "$work/body"
	(printf '302a300506032b6570032100' | unhex; cut -d+ -f3- "$key" | base64 -d | tail -c 32) > "$work/key.der"
	name=$(cut -d+ -f1 "$key")
	[ "$(sed -n 1p record/checkpoint)" = "$name" ] || fail "the checkpoint is of another record than the key"
	awk -v n="$name" '/^$/ { after = 1 } after && $2 == n { print $3; exit }' record/checkpoint | base64 -d | tail -c 64 > "$work/signature"
	openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/key.der" -rawin -in "$work/body" -sigfile "$work/signature" > /dev/null ||
		fail "the checkpoint isn't signed by the key"

	say "4. and 5. entries, their proofs and what they changed"
	size=$(sed -n 2p record/checkpoint)
	root=$(sed -n 3p record/checkpoint | base64 -d | xxd -p -c 64)
	for entry in record/leaf-*.entry; do
		[ -f "$entry" ] || continue
		stem=${entry%.entry}
		f=$(printf %s "${stem#record/leaf-}" | sed 's/^0*//'); f=${f:-0}
		s=$((size - 1))
		h=$( (printf '00' | unhex; cat "$entry") | sha)
		while read -r p; do
			if [ $((f % 2)) -eq 1 ] || [ "$f" -eq "$s" ]; then
				h=$(printf '01%s%s' "$p" "$h" | unhex | sha)
				while [ $((f % 2)) -eq 0 ] && [ "$f" -ne 0 ]; do f=$((f / 2)); s=$((s / 2)); done
			else
				h=$(printf '01%s%s' "$h" "$p" | unhex | sha)
			fi
			f=$((f / 2)); s=$((s / 2))
		done < "$stem.proof"
		[ "$s" -eq 0 ] && [ "$h" = "$root" ] || fail "$entry isn't in the tree of the checkpoint"
		[ "$(tail -c 32 "$entry" | xxd -p -c 64)" = "$(sha < "$stem.changes")" ] || fail "$stem.changes isn't what its entry says"
		for row in "$stem".row-*; do
			[ -f "$row" ] || continue
			xxd -p "$stem.changes" | tr -d '\n' | grep -q "$(sha < "$row")" || fail "$row isn't what its entry recorded"
		done
	done
fi

if [ "$bad" -eq 0 ]; then say "all steps hold"; else say "the archive doesn't hold"; fi
exit "$bad"
