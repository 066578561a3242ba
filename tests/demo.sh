# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by ./dev demo: record a boot, replay it with memtrace and trap, ask four questions.
rr=$PWD/build-release/cli/rr-emu
out=$cache/demo
mkdir -p "$out"

if guest_linux; then
    machine=(-M virt -m 512M -nographic -kernel $cache/linux/Image -initrd $cache/linux/boot.cpio.gz
        -append "console=ttyS0 rdinit=/init")
else
    say "the riscv64 packages cannot be had; a bare-metal guest takes their place"
    need gcc-riscv64-unknown-elf
    tests/guests/build.sh "$out/guests" >/dev/null
    machine=(-M virt -nographic -bios none -kernel "$out/guests/traps.elf")
fi

run() { # print a command as a user would type it, then run it
    local word line=
    for word in "$@"; do
        case $word in *[!A-Za-z0-9_./=,:-]*) line="$line \"$word\"" ;; *) line="$line ${word/#$rr/rr-emu}" ;; esac
    done
    printf '\n$%s\n' "$line" >&2
    "$@"
}

ask() { # ask QUESTION SQL
    printf '\n-- %s\n' "$1" >&2
    run "$rr" sql "$out/boot.rrec" "$2"
}

run "$rr" record --force -o "$out/boot.rrec" "${machine[@]}" </dev/null | tail -n 12
rm -f "$out/boot.rrec.db"
run "$rr" replay "$out/boot.rrec" --analysis memtrace --analysis trap

ask "How did it end, and how long was it?" \
    "SELECT key, value FROM meta WHERE key IN ('end_reason', 'end_pos', 'harts', 'isa')"
ask "When did the last console lines come out?" \
    "SELECT first_pos, printf('%.6f s', time_ns(first_pos) / 1e9) AS guest_time, text FROM console ORDER BY id DESC LIMIT 5"
ask "What did the guest trap on?" \
    "SELECT name, is_interrupt, count(*) AS times, max(return_pos - pos) AS longest FROM trap GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 8"

# An address to ask about: one that was written late in the run.
last=$("$rr" sql --quiet --format csv "$out/boot.rrec" "SELECT printf('0x%x', paddr) FROM write WHERE size = 8 AND
    pos < (SELECT value FROM meta WHERE key = 'end_pos') * 0.99 ORDER BY pos DESC LIMIT 1" | tail -1)
ask "Who last wrote $last? And before that?" \
    "SELECT pos, hart, printf('0x%x', pc) AS pc, sym(pc) AS symbol, op, size, printf('0x%x', value) AS value
     FROM write WHERE paddr = $last ORDER BY pos DESC LIMIT 3"
