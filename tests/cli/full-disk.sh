# SPDX-License-Identifier: GPL-2.0-or-later
# A disk that fills up while recording and while writing a database: a clear error, and what was written before is good.
[ -f "$GUESTS/bench-small.elf" ] || { echo "no riscv64-unknown-elf-gcc"; exit 77; }
[ "$(id -u)" -eq 0 ] || { echo "only root can mount a small disk"; exit 77; }
mkdir small
mount -t tmpfs -o size=128k none small 2>/dev/null || { echo "a small disk cannot be mounted here"; exit 77; }
trap 'umount small' EXIT
status=0
wrong() {
    echo "$*"
    status=1
}
machine="-M virt -nographic -m 8M -bios none -kernel $GUESTS/bench-small.elf"
room() { # room BYTES: fill all but so many
    rm -f small/fill
    local free
    free=$(df --output=avail -B1 small | tail -1)
    head -c $((free - $1)) /dev/zero >small/fill
}
# shellcheck disable=SC2086
"$RR" record --quiet -o whole.rrec --checkpoint 100 --max-insns 200k $machine >/dev/null 2>&1
size=$(stat -c %s whole.rrec)
for bytes in 0 4096 8192 12288 16384 $((size / 2 / 4096 * 4096)) $((size - 4096)); do
    rm -f small/*
    room "$bytes"
    # shellcheck disable=SC2086
    "$RR" record -o small/r.rrec --checkpoint 100 --max-insns 200k $machine >/dev/null 2>err
    got=$?
    if [ $got -ne 124 ]; then
        [ $got -eq 125 ] || wrong "record with $bytes bytes left: exit status $got"
        grep -q '^rr-emu: .*No space left' err || wrong "record with $bytes bytes left says: $(cat err)"
    fi
    [ -f small/r.rrec ] || continue
    said=$("$RR" verify small/r.rrec 2>&1) || case $said in
        *"nothing to replay"*) ;;
        *) wrong "record with $bytes bytes left: verify: $said" ;;
    esac
done
rm -f small/*
for bytes in 0 8192 20480 40960; do
    rm -f small/*
    room "$bytes"
    "$RR" replay --analysis memtrace --db small/r.db whole.rrec 2>err
    got=$?
    if [ $got -ne 0 ]; then
        [ $got -eq 2 ] || wrong "replay with $bytes bytes left: exit status $got"
        grep -q '^rr-emu: .*full' err || wrong "replay with $bytes bytes left says: $(cat err)"
    fi
done
exit $status
