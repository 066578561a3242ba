# SPDX-License-Identifier: GPL-2.0-or-later
# replay -j N of a Linux boot, on one hart and on four: tasks and system calls, basic blocks, functions by their symbols.
set -eu
. "$TOP/tests/cli/linux-guest.inc"
. "$TOP/tests/cli/parallel.inc"
ways=("-j 2 --segments 7")
build -o seen.so
build -o tasks.so -DTASKS
for harts in 1 4; do
    linux_record linux$harts syscalls -smp $harts || fail "linux$harts: the guest failed"
    same linux$harts ./tasks.so
    [ "$(grep -c enter one.rows)" -gt 100 ] && [ "$(grep -c switch one.rows)" -gt 100 ] || fail "linux$harts: few tasks and system calls were seen"
    # Where a plugin needs the leader to follow nothing for it, and every instruction and access is seen.
    same linux$harts ./seen.so,calls=on --from 60% --to 61%
    [ "$(cut -d, -f3 one.rows | grep -c "^[a-z_]*_[a-z_]*$")" -gt 40 ] || fail "linux$harts: functions have no names"
    all="--plugin ./tasks.so --analysis tasks --analysis console --analysis input --analysis mmio --analysis irq --analysis dma --analysis checkpoint"
    rm -f one.db many.db
    # shellcheck disable=SC2086
    "$RR" replay --quiet linux$harts.rrec $all --db one.db 2>text || { cat text; fail "linux$harts: all analyses"; }
    # shellcheck disable=SC2086
    "$RR" replay linux$harts.rrec $all --db many.db -j 2 --segments 5 2>text || { cat text; fail "linux$harts: all analyses, two workers"; }
    ! grep -q 'one worker' text || { cat text; fail "linux$harts: all analyses in one process"; }
    database one.db >one.sql
    database many.db | diff one.sql - >text || { head -20 text; fail "linux$harts: the databases differ"; }
done
