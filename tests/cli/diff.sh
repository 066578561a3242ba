# SPDX-License-Identifier: GPL-2.0-or-later
# Two recordings of the same guest that get different input: where they part, and that the same seed gives the same run.
set -eu
[ -f "$GUESTS/echo.elf" ] || { echo "skipped: no cross compiler"; exit 77; }
machine="-M virt -nographic -seed 7 -rtc base=2026-01-01 -bios none -kernel $GUESTS/echo.elf"
hello="-M virt -nographic -seed 7 -rtc base=2026-01-01 -bios none -kernel $GUESTS/hello.elf"
# shellcheck disable=SC2086
{
    "$RR" record --quiet -o a.rrec $hello </dev/null >/dev/null
    "$RR" record --quiet -o b.rrec $hello </dev/null >/dev/null
    "$RR" record --quiet -o c.rrec $machine >/dev/null <<<$'one\n'
    "$RR" record --quiet -o d.rrec $machine >/dev/null <<<$'two\n'
    "$RR" record --quiet -o e.rrec --max-insns 1k $hello </dev/null >/dev/null || [ $? -eq 124 ]
}
"$RR" diff a.rrec b.rrec >same || { cat same; echo "the same run differs"; exit 1; }
grep -q 'same run' same
status=0
"$RR" diff c.rrec d.rrec >text || status=$?
[ $status -eq 1 ] || { cat text; echo "exit status $status, expected 1"; exit 1; }
grep -q 'outside input' text && grep -q 'hart 0' text || { cat text; exit 1; }
"$RR" diff --json c.rrec d.rrec >json || true
python3 -c 'import json; r = json.load(open("json")); assert r["kind"] == "input", r'
status=0
"$RR" diff a.rrec e.rrec >text || status=$?
[ $status -eq 1 ] && grep -q 'beginning of the other' text || { cat text; echo "exit status $status"; exit 1; }
status=0
"$RR" diff a.rrec c.rrec >text 2>&1 || status=$?
[ $status -eq 2 ] && grep -q 'different machines' text || { cat text; exit 1; }
echo "all good"
