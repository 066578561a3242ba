# SPDX-License-Identifier: GPL-2.0-or-later
# mmio, dma and irq against what the guests' sources say, against memtrace, on both backends and perturbed.
set -u
fails=0
[ -f "$GUESTS/plic.elf" ] || { echo "skipped: no cross compiler"; exit 77; }
expect() { # expect NAME DB SQL ROWS
    local got
    got=$("$RR" sql --format csv "$2" "$3" 2>&1 | tail -n +2)
    [ "$got" = "$4" ] || { echo "$1: got: $got"; echo "expected: $4"; fails=$((fails + 1)); }
}
record() { # record NAME MACHINE…
    local name=$1
    shift
    "$RR" record --quiet -o "$name.rrec" -M virt -nographic -bios none "$@" >"$name.out" </dev/null ||
        { echo "$name: record failed"; exit 1; }
    replay "$name" a
    replay "$name" b --backend interp
    replay "$name" c --perturb 4711
    for table in mmio dma irq; do
        for run in b c; do
            cmp -s <("$RR" sql --format csv "$name.a.db" "SELECT * FROM $table") \
                <("$RR" sql --format csv "$name.$run.db" "SELECT * FROM $table") ||
                { echo "$name: $table differs in run $run"; fails=$((fails + 1)); }
        done
    done
}
replay() { # replay NAME RUN OPTIONS…
    local name=$1 run=$2
    shift 2
    "$RR" replay --quiet "$name.rrec" --db "$name.$run.db" "$@" --analysis memtrace --analysis mmio --analysis dma \
        --analysis irq --analysis trap || { echo "$name: replay $* failed"; fails=$((fails + 1)); }
}

record plic -kernel "$GUESTS/plic.elf"
# test_uart(): five times the same round.
expect "a round of test_uart" plic.a.db "SELECT group_concat(device || source || event, ' ') FROM (SELECT * FROM irq
    WHERE pos >= (SELECT min(pos) FROM irq WHERE event = 'take') - 1 ORDER BY pos, seq LIMIT 40)" \
    "$(for _ in 1 2 3 4 5; do echo -n "uart010raise external11raise external11take uart010claim external11lower uart010lower uart010complete "; done |
        sed 's/ $//') rtc011raise external11raise uart010raise uart010claim uart010lower"
expect "test_order: claims by priority" plic.a.db "SELECT device FROM irq WHERE event = 'claim' ORDER BY pos DESC LIMIT 2" \
    "$(printf 'uart0\nrtc0')"
expect "takes are traps" plic.a.db "SELECT count(*), sum(t.cause = i.source) FROM irq i JOIN trap t ON t.pos = i.pos AND t.hart = i.hart
    WHERE i.event = 'take' AND t.is_interrupt" 5,5
expect "claims are loads of the claim register" plic.a.db "SELECT count(*), sum(m.value = i.source AND m.device = 'plic' AND m.op = 'load')
    FROM irq i JOIN mmio m ON m.pos = i.pos AND m.reg = 'claim' WHERE i.event = 'claim'" 9,9
expect "the finisher" plic.a.db "SELECT device, op, size, hex64(value) FROM mmio ORDER BY pos DESC LIMIT 1" \
    'finisher,store,4,0x0000000000005555'
expect "the console is what was stored" plic.a.db "SELECT replace(group_concat(char(value), ''), char(10), ' ') FROM
    (SELECT value FROM mmio WHERE device = 'uart0' AND reg = 'rbr/thr' AND op = 'store' ORDER BY pos)" "$(tr -d '\r' <plic.out | tr '\n' ' ')"

truncate -s 4M disk.img
record blk -kernel "$GUESTS/virtio_blk.elf" -drive file=disk.img,if=none,id=d,format=raw -device virtio-blk-device,drive=d
# memtrace sees the same accesses, another way.
expect "memtrace agrees on mmio" blk.a.db "SELECT count(*) FROM (
    SELECT pos, hart, pc, op, size, value FROM mmio EXCEPT SELECT pos, hart, pc, op, size, value FROM memtrace
    UNION ALL SELECT pos, hart, pc, op, size, value FROM memtrace WHERE paddr BETWEEN 0x100000 AND 0x7fffffff
    EXCEPT SELECT pos, hart, pc, op, size, value FROM mmio)" 0
expect "memtrace agrees on dma" blk.a.db "SELECT (SELECT sum(size) FROM dma WHERE op = 'load') - (SELECT sum(size) FROM memtrace WHERE op = 'dma_read'),
    (SELECT sum(size) FROM dma WHERE op = 'store') - (SELECT sum(size) FROM memtrace WHERE op = 'dma_write'),
    (SELECT count(*) FROM memtrace WHERE op LIKE 'dma%' AND (pos, seq) NOT IN (SELECT pos, seq FROM dma))" 0,0,0
# The first request: a write of 512 bytes, submitted by the notification, done 50 us (of 1 ns a step) later.
expect "the first request" blk.a.db "SELECT m.op, m.device, d.pos - m.pos, d.op, d.size, length(d.data) FROM dma d JOIN mmio m ON m.pos = d.submit_pos
    WHERE m.reg = 'queue_notify' AND d.size >= 512 ORDER BY d.pos LIMIT 1" 'store,virtio7,50000,load,512,512'
expect "submissions are notifications" blk.a.db "SELECT count(*) FROM dma WHERE submit_pos IS NULL OR submit_pos NOT IN
    (SELECT pos FROM mmio WHERE reg IN ('queue_notify', 'queue_ready', 'queue_pfn', 'status'))" 0
"$RR" replay --quiet blk.rrec --db blk.d.db --analysis dma,data=drop || fails=$((fails + 1))
expect "data=drop" blk.d.db "SELECT sum(data IS NULL) = count(*), count(*) > 0 FROM dma" 1,1
[ $fails -eq 0 ] && echo "all good"
exit $((fails > 0))
