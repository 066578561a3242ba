# SPDX-License-Identifier: GPL-2.0-or-later
# Version 2 of the plugin interface: tasks, system calls, privilege, requests, resets, source lines. What is told is
# compared with what the guests say, with the ELF's own tools, and with other tables; and it is the same on all ways.
set -u
[ -f "$GUESTS/traps.elf" ] || { echo "skipped: no cross compiler"; exit 77; }
. "$TOP/tests/cli/expect.inc"
for version in 1 2; do
    cc -shared -fPIC -O1 -I"$TOP/analyses" -DVERSION=$version -o events$version.so "$TOP/tests/plugins/events.c" || exit 1
done
cc -shared -fPIC -O1 -I"$TOP/analyses" -o seen.so "$TOP/tests/plugins/segments.c" || exit 1
record() { # record NAME GUEST STATUS MACHINE…
    local name=$1 guest=$2 expected=$3 status=0
    shift 3
    "$RR" record --quiet --force -o "$name.rrec" -M virt -nographic -bios none -kernel "$GUESTS/$guest.elf" "$@" </dev/null >"$name.out" || status=$?
    [ $status -eq "$expected" ] || say "record $name: exit status $status"
}
told() { sed -n "s/.*\<$1 \([0-9]*\).*/\1/p" "$2" | tail -n 1; } # told WORD FILE

# Privilege, at every instruction; counters stored to by accesses; interrupts.
for guest in traps paging timers plic smp; do
    extra=
    [ $guest = smp ] && extra="-smp 4"
    # shellcheck disable=SC2086
    record $guest $guest 0 $extra
    "$RR" replay --quiet $guest.rrec --plugin ./events2.so,code=on --analysis trap --analysis irq --analysis tasks --analysis mmio 2>$guest.txt || say "replay $guest"
    [ "$(told bad $guest.txt)" = 0 ] || { say "$guest:"; cat $guest.txt; }
    [ "$(told insns $guest.txt)" -gt 1000 ] && [ "$(told accesses $guest.txt)" -gt 100 ] || say "$guest: nothing was observed"
    expect "$guest: interrupts" $guest.rrec "SELECT count(*), sum(stage = 1) - (SELECT count(*) FROM trap WHERE is_interrupt) FROM events_irq" \
        "$(sql $guest.rrec 'SELECT count(*) FROM irq'),$([ "$(sql $guest.rrec 'SELECT count(*) FROM events_irq')" = 0 ] || echo 0)"
    # Without Linux, address spaces: where each turn of the table cpu begins that has one before it.
    expect "$guest: address spaces" $guest.rrec "SELECT count(*) FROM (SELECT from_pos, hart, task FROM events_switch EXCEPT SELECT from_pos, hart, task_id FROM cpu)
        UNION ALL SELECT count(*) FROM (SELECT from_pos, hart, task_id FROM cpu WHERE from_pos > 0 EXCEPT SELECT from_pos, hart, task FROM events_switch)" "0
0"
done
# A row for every event: all have places of their own.
cc -shared -fPIC -O1 -I"$TOP/analyses" -o order.so "$TOP/tests/plugins/order.c" || exit 1
everything() { # everything NAME EVENT…
    local name=$1 event
    shift
    "$RR" replay --quiet $name.rrec --db $name-all.db --plugin ./order.so || say "$name: a row for every event"
    for event; do
        expect "$name: $event" $name-all.db "SELECT count(*) > 0 FROM everything WHERE what = '$event'" 1
    done
}
everything timers trap take return line mmio position checkpoint insn
[ "$(told privileges traps.txt)" -gt 10 ] || say "traps: $(told privileges traps.txt) changes of privilege"
[ "$(sql paging.rrec 'SELECT count(*) FROM events_switch')" -gt 1 ] || say "paging: no address spaces"
for harts in 1 4; do
    record reset reset 0 -smp $harts
    "$RR" replay --quiet reset.rrec --plugin ./events2.so,code=on 2>reset.txt || { say "replay reset, -smp $harts:"; cat reset.txt; }
    [ "$(told resets reset.txt)" = $(($(grep -c '^boot' reset.out) - 1)) ] && [ "$(told bad reset.txt)" = 0 ] || { say "reset, -smp $harts:"; cat reset.txt; }
    # Where the reset leads to a basic block begins; the analysis and a plugin see the same ones.
    "$RR" replay --quiet reset.rrec --plugin ./seen.so --analysis blocks 2>blocks.txt || { say "blocks, -smp $harts:"; cat blocks.txt; }
    expect "blocks after a reset, -smp $harts" reset.rrec "SELECT (SELECT sum(count) FROM block WHERE pc = 4096), (SELECT sum(count) FROM block)" "$(grep -c '^boot' reset.out),$(told blocks blocks.txt)"
    expect "every hart has another task after a reset, -smp $harts" reset.rrec "SELECT count(*), count(DISTINCT pos) FROM events_switch" "$((2 * harts)),2"
done

# Requests: taken where the driver notifies, done where the device has written the used ring's index.
dd if=/dev/zero of=disk.img bs=1M count=1 2>/dev/null
record blk virtio_blk 0 -drive file=disk.img,if=none,id=d,format=raw -device virtio-blk-device,drive=d
"$RR" replay --quiet blk.rrec --plugin ./events2.so --analysis mmio --analysis dma 2>blk.txt || say "replay blk"
expect "submissions are notifications" blk.rrec "SELECT count(*) > 20, sum(pos NOT IN (SELECT pos FROM mmio WHERE reg = 'queue_notify')) FROM events_request WHERE NOT is_done" 1,0
# A broken ring's requests are never done.
expect "requests are done in order, each after it was taken" blk.rrec "SELECT count(*) > 20, sum(d.submit_pos < before), sum(d.submit_pos >= d.pos),
    sum(d.submit_pos NOT IN (SELECT pos FROM events_request WHERE NOT is_done)) FROM
    (SELECT *, lag(submit_pos) OVER (ORDER BY pos, seq) AS before FROM events_request WHERE is_done) AS d" 1,0,0,0
expect "the used ring's index is written when one is done" blk.rrec "SELECT count(*) > 20, sum(NOT EXISTS (SELECT 1 FROM events_request AS r
    WHERE r.is_done AND r.pos = w.pos)) AS n FROM dma AS w WHERE op = 'store' AND size = 2 AND submit_pos < pos" 1,0
expect "transfers are of the analysis dma's requests" blk.rrec "SELECT count(*) > 100, sum(e.submit_pos != d.submit_pos) FROM events_dma AS e JOIN dma AS d USING (paddr, size, pos)" 1,0
expect "all of them" blk.rrec "SELECT (SELECT count(*) FROM events_dma) - (SELECT count(*) FROM dma)" 0

# Lines and symbols: addr2line and nm say the same.
"$RR" replay --quiet traps.rrec --db lines.db --plugin ./events2.so,lines=on 2>&1 | sed -n 's/^line //p' | sort -u >lines
awk '{ print $1 }' lines | riscv64-unknown-elf-addr2line -e "$GUESTS/traps.elf" | sed 's/ (discriminator.*//; s/.*:[?0]$/?:0/' >expected
awk '{ print $2 }' lines | cmp - expected || { say "lines differ from addr2line:"; awk '{ print $2 }' lines | diff - expected | head; }
[ "$(grep -vc '?' lines)" -gt 200 ] || say "$(grep -vc '?' lines) lines are known"
riscv64-unknown-elf-nm "$GUESTS/traps.elf" | awk '$2 == "t" || $2 == "T" { print "0x" $1, $3 }' | sort >names
awk 'NR == FNR { name[$1] = name[$1] " " $2; next } $1 in name && index(name[$1] " ", " " $3 " ") == 0 { print $1, $3, name[$1] }' names lines >wrong
[ -s wrong ] && { say "symbols differ from nm:"; head wrong; }

# A plugin of version 1 is told nothing of this, whatever its structure says.
"$RR" replay --quiet traps.rrec --db one.db --plugin ./events1.so,code=on --analysis irq 2>one.txt || say "version 1"
[ "$(told privileges one.txt)" = 0 ] || { say "version 1:"; cat one.txt; }
expect "version 1" one.db "SELECT count(*) FROM events_switch UNION ALL SELECT count(*) FROM events_irq WHERE stage = 1" "0
0"

# Linux: the guest's tasks say who they are, and what they write.
if [ -f "$TOP/.cache/linux/Image" ] && command -v riscv64-linux-gnu-gcc >/dev/null && command -v cpio >/dev/null; then
    . "$TOP/tests/cli/linux-guest.inc"
    linux_record who who -smp 2 || say "who: record failed"
    "$RR" replay --quiet who.rrec --plugin ./events2.so 2>who.txt || say "replay who"
    everything who switch turn syscall privilege take satp
    [ "$(told bad who.txt)" = 0 ] && [ "$(told returns who.txt)" -gt 200 ] || { say "who:"; cat who.txt; }
    sed -n 's/^task \([0-9]*\) \([0-9]*\) .*/\1,\2/p' who.out | sort >expected
    [ "$(wc -l <expected)" = 11 ] || say "the guest tells of $(wc -l <expected) tasks"
    sql who.rrec "SELECT DISTINCT pid, tid FROM events_switch" | sort >got
    [ -z "$(comm -23 expected got)" ] || { say "tasks that were not switched to:"; comm -23 expected got; }
    # A name that a task gave itself is known when it comes back from having waited: as those with threads do.
    sed -n 's/^task [0-9]* \([0-9]*\) \(init\|child-2\) .*/\1,\2/p' who.out | sort >expected
    sql who.rrec "SELECT DISTINCT tid, name FROM events_switch" | sort >got
    [ "$(wc -l <expected)" = 2 ] && [ -z "$(comm -23 expected got)" ] || { say "names:"; cat expected got; }
    expect "each switch is from who was switched to" who.rrec "SELECT count(*) > 100, sum(former != before) FROM
        (SELECT former, lag(task) OVER (PARTITION BY hart ORDER BY pos, seq) AS before FROM events_switch)" 1,0
    # Each line is one write; a task writes when it has its name.
    sed -n 's/^task [0-9]* \([0-9]*\) .*/\1 &/p' who.out | awk '{ tid = $1; print tid "," length($0) - length(tid) }' | sort >expected
    sql who.rrec "SELECT tid, result FROM events_syscall WHERE exits AND name = 'write' AND a0 = 1 AND has_result AND
        tid || ',' || result IN (SELECT tid || ',' || result FROM events_syscall) AND result > 15" | sort >got
    [ -z "$(comm -23 expected got)" ] || { say "lines that were not written:"; diff expected got; }
    expect "who exits never returns" who.rrec "SELECT count(*), sum(exits) FROM events_syscall WHERE name IN ('exit', 'exit_group')" 10,0
    expect "calls end after they begin, by the same task" who.rrec "SELECT count(*) > 100, sum(x.enter_pos != e.pos OR x.pos <= e.pos OR x.tid != e.tid OR x.nr != e.nr)
        FROM events_syscall AS x JOIN events_syscall AS e USING (id) WHERE x.exits AND NOT e.exits" 1,0
    "$RR" replay --quiet who.rrec --db other.db --plugin ./events2.so --backend interp 2>/dev/null || say "replay who, interp"
    for table in switch syscall; do
        sql who.rrec "SELECT * FROM events_$table" >a
        sql other.db "SELECT * FROM events_$table" | cmp - a || say "the backends differ in events_$table"
    done
fi
[ $fails -eq 0 ] && echo "all good"
exit $((fails > 0))
