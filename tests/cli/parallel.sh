# SPDX-License-Identifier: GPL-2.0-or-later
# replay -j N: outputs and databases equal those of one process, for bare-metal guests, several harts and Linux; --from, --to,
# --perturb, --console; what cannot be merged runs in one worker, and is named; workers that crash, exit or are killed.
set -eu
[ -f "$GUESTS/traps.elf" ] || { echo "skipped: no cross compiler"; exit 77; }
. "$TOP/tests/cli/parallel.inc"
record() { # record GUEST MACHINE…
    local guest=$1
    shift
    "$RR" record --quiet --force --checkpoint 20k -o "$guest.rrec" -M virt -nographic -bios none -kernel "$GUESTS/$guest.elf" "$@" </dev/null >/dev/null ||
        fail "$guest does not run"
}
build -o seen.so
build -o tasks.so -DTASKS
build -o alone.so -DALONE

for guest in traps timers paging plic virtio_rng smp smc reset; do
    [ -f "$GUESTS/$guest.elf" ] || continue
    case $guest in
    smp) record smp -smp 4 ;;
    virtio_rng) record virtio_rng -device virtio-rng-device ;;
    *) record $guest ;;
    esac
    same $guest ./seen.so,calls=on
    [ $guest = smp ] || same $guest ./seen.so --console
done
record bench-small
same bench-small ./seen.so,calls=on --from 30% --to 40%
end=$(length traps.rrec)
same traps ./seen.so,calls=on --from 20% --to 70%
same traps ./seen.so,calls=on --to $((end - 1)) --backend interp
same smp ./tasks.so,calls=on
same traps ./seen.so,calls=on,stop=$((end / 3))
# Between two perturbations of the leader's its workers begin; what they see is the same.
for seed in 1 2; do
    "$RR" replay --quiet traps.rrec --plugin ./seen.so -j 2 --segments 5 --perturb $seed --db perturbed.db 2>text || { cat text; fail "--perturb $seed"; }
    grep -q '^end .* complete ' text || { cat text; fail "--perturb $seed"; }
done

# Built-in analyses whose rows need nothing of another segment; and with a plugin beside them.
for analysis in checkpoint console input mmio irq dma tasks; do
    for name in traps smp plic virtio_rng timers; do
        rm -f one.db many.db
        "$RR" replay --quiet $name.rrec --analysis $analysis --db one.db
        "$RR" replay $name.rrec --analysis $analysis --db many.db -j 2 --segments 6 2>text || { cat text; fail "$analysis of $name"; }
        ! grep -q 'one worker' text || { cat text; fail "$analysis runs in one process"; }
        database one.db >one.sql
        database many.db | diff one.sql - >text || { head -20 text; fail "$analysis of $name: the databases differ"; }
    done
done
same smp ./seen.so --analysis checkpoint

# There are as many segments as was said, and a short run is one.
"$RR" replay --quiet traps.rrec --plugin ./seen.so,segments=on -j 2 --segments 4 --db n.db 2>text && grep -q '^segments 4$' text || { cat text; fail "four segments"; }
"$RR" replay --quiet traps.rrec --plugin ./seen.so,segments=on -j 2 --db n.db 2>text && grep -q '^segments 0$' text || { cat text; fail "a short run"; }
# No more files are open than segments are on their way.
(ulimit -n 64 && "$RR" replay --quiet traps.rrec --plugin ./seen.so,segments=on -j 2 --segments 120 --db n.db) 2>text && grep -q '^segments 120$' text || { cat text; fail "120 segments"; }

# What cannot be merged; nothing attached; verify.
"$RR" replay traps.rrec -j 2 --segments 3 --plugin ./alone.so --db alone.db 2>text || { cat text; fail "alone"; }
grep -q 'alone.so has no merge function: one worker' text || { cat text; fail "alone"; }
rm -f one.db
"$RR" replay --quiet traps.rrec --plugin ./alone.so --db one.db 2>one.txt && "$RR" replay --quiet traps.rrec -j 2 --plugin ./alone.so --db alone.db 2>many.txt
cmp -s one.txt many.txt || fail "alone: the texts differ"
"$RR" replay traps.rrec -j 2 --segments 3 --analysis blocks --plugin ./seen.so --db blocks.db 2>text || { cat text; fail "blocks"; }
grep -q 'blocks has no merge function: one worker' text || { cat text; fail "blocks"; }
"$RR" replay traps.rrec -j 2 2>text && grep -q 'checkpoint.* agree' text || { cat text; fail "-j 2 alone"; }
"$RR" verify traps.rrec -j 2 2>text && grep -q 'checkpoint.* agree' text || { cat text; fail "verify -j 2"; }
status=0
"$RR" replay traps.rrec -j 1000 2>text || status=$?
[ $status -eq 2 ] && grep -q 'at most 256' text || { cat text; fail "-j 1000: exit status $status"; }

# A worker that ends otherwise: named, and what the database had stays.
"$RR" replay --quiet bench-small.rrec --plugin ./seen.so --db kept.db 2>/dev/null
dump kept.db seen seen_notes >kept.rows
end=$(length bench-small.rrec)
ends() { # ends PATTERN OPTION
    local status=0
    "$RR" replay --quiet bench-small.rrec --plugin "./seen.so,calls=on,$2" -j 2 --segments 4 --db kept.db >text 2>&1 || status=$?
    [ $status -eq 2 ] && grep -q -- "$1" text || { cat text; fail "$2: exit status $status, expected 2 and '$1'"; }
    dump kept.db seen seen_notes | cmp -s kept.rows - || fail "$2: the rows of before are not there"
    "$RR" sql kept.db "PRAGMA integrity_check" | grep -q ok || fail "$2: the database is damaged"
}
ends "plugin seen.so crashed (SIGSEGV) in its callback instruction at pos $((end / 2))\$" crash=$((end / 2))
grep -q "worker of the segment from pos .* ended with status 2" text || { cat text; fail "the segment is not named"; }
ends "plugin seen.so ended the process in instruction at pos $((end / 2))\$" exit=$((end / 2))

# A worker that hangs, and is killed; and the leader, which no worker outlives.
children() { cat "/proc/$1/task/$1/children" 2>/dev/null; }
hang() { # a replay, $pid, of which $worker hangs
    "$RR" replay --quiet bench-small.rrec --plugin "./seen.so,calls=on,hang=$((end * 5 / 16))" -j 2 --segments 4 --to $((end / 2)) --db kept.db >text 2>&1 &
    pid=$!
    local former=
    for _ in $(seq 300); do
        sleep 0.2
        worker=$(children $pid)
        worker=${worker% }
        [ -n "$worker" ] && [ "$worker" = "$former" ] && [ "${worker% *}" = "$worker" ] && return
        former=$worker
    done
    fail "no worker hangs: $worker"
}
hang
kill -9 "$worker"
status=0
wait $pid || status=$?
[ $status -eq 2 ] && grep -q 'worker of the segment from pos .* was killed by signal 9' text || { cat text; fail "a killed worker: exit status $status"; }
dump kept.db seen seen_notes | cmp -s kept.rows - || fail "a killed worker: the rows of before are not there"
hang
kill -9 $pid
wait $pid 2>/dev/null || true
for _ in $(seq 100); do
    kill -0 "$worker" 2>/dev/null || break
    sleep 0.1
done
! kill -0 "$worker" 2>/dev/null || fail "the worker outlives the leader"
dump kept.db seen seen_notes | cmp -s kept.rows - || fail "a killed leader: the rows of before are not there"
