# SPDX-License-Identifier: GPL-2.0-or-later
# Two recordings of Linux that get different bytes while a program works: where they part, and what led there, is named by
# the program's symbols.
set -u
. "$TOP/tests/cli/linux-guest.inc"
. "$TOP/tests/cli/expect.inc"
same="-seed 7 -rtc base=2026-01-01"

# The byte is typed once the program says that it works, for as long as it takes to be in the middle of that.
type_into() { # type_into NAME BYTE MACHINE…
    local name=$1 byte=$2
    shift 2
    mkfifo "$name.keys"
    (
        for _ in $(seq 2400); do
            grep -q waiting "$name.raw" 2>/dev/null && break
            sleep 0.05
        done
        sleep 0.1
        printf '%s' "$byte"
    ) >"$name.keys" &
    # shellcheck disable=SC2086
    linux_input=$name.keys linux_record "$name" spins $same "$@" || say "record of $name failed"
    wait
    grep -q "typed $byte" "$name.out" || { say "the guest of $name says:"; cat "$name.out"; }
}
type_into a x
type_into b y --sysroot "$PWD/spins.root"

status=0
"$RR" diff --quiet --sysroot spins.root a.rrec b.rrec >text || status=$?
[ $status -eq 1 ] || say "exit status $status, expected 1"
tr -d '\n' <text | grep -q 'outside input.*A: hart 0  pc 0x[0-9a-f]* work+0x.*led there, innermost first:    work, called at wait_for_byte+0x[0-9a-f]*, pos [0-9]*    wait_for_byte, called at main+0x' ||
    { say "diff with a sysroot says:"; cat text; }
# Addresses only, where nobody knows the programs.
"$RR" diff --quiet a.rrec b.rrec >text
grep -q 'work\|main' text && { say "diff without a sysroot says:"; cat text; }
grep -q '    0x[0-9a-f]*, called at 0x[0-9a-f]*, pos' text || { say "diff without a sysroot says:"; cat text; }
# A recording's own.
"$RR" diff --quiet --json b.rrec a.rrec >json
python3 - <<'PYTHON' || { say "diff of a recording with a sysroot says:"; cat json; }
import json
r = json.load(open("json"))
assert r["kind"] == "input" and r["a"]["symbol"].startswith("work+0x") and r["b"]["symbol"] == r["a"]["symbol"], r
assert [c["symbol"] for c in r["calls"]][:3] == ["work", "wait_for_byte", "main"], r
assert r["calls"][0]["kind"] == "call" and r["calls"][0]["call_symbol"].startswith("wait_for_byte+0x"), r
assert int(r["calls"][0]["pos"]) < int(r["pos"]), r
PYTHON
[ $fails -eq 0 ] && echo "all good"
exit $((fails > 0))
