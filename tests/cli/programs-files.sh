# SPDX-License-Identifier: GPL-2.0-or-later
# Symbols of a Linux guest's programs (--sysroot) whose files are named by relative paths and descriptors, and of code that is
# moved. What is expected: the guest's own words, and the ELF files' symbols.
set -u
. "$TOP/tests/cli/linux-guest.inc"
. "$TOP/tests/cli/expect.inc"
source=$TOP/tests/guests/linux/programs.c
root=files.root
libs=/usr/riscv64-linux-gnu/lib
[ -f $libs/ld-linux-riscv64-lp64d.so.1 ] || { echo "skipped: no shared C library for the guest"; exit 77; }
mkdir -p $root/bin $root/lib $root/dev
cc="riscv64-linux-gnu-gcc -O1 -g -Wall"
$cc -static -no-pie -DPROGRAM=one -DROUNDS=3000 -o $root/bin/one "$source" || exit 1
$cc -shared -fPIC -DLIBRARY -o $root/lib/libwork.so "$source" || exit 1
$cc -fPIE -pie -DPROGRAM=moved -DROUNDS=5000 -DUSES_LIBRARY -o $root/bin/moved "$source" -L$root/lib -lwork || exit 1
cp $libs/ld-linux-riscv64-lp64d.so.1 $libs/libc.so.6 $root/lib/
offset=$(riscv64-linux-gnu-nm $root/lib/libwork.so | awk '$3 == "library_work" { print "0x" $1 }')
[ $((offset)) -gt 0 ] && [ $((offset)) -lt 4096 ] || { echo "library_work is at $offset, not in the file's first page"; exit 1; }
linux_flags=-DOFFSET=$offset linux_record r files || say "record failed"
[ "$(grep -c '^at ' r.out)" = 5 ] || { say "the guest says:"; tail -5 r.out; }
for options in "" "--perturb 3"; do
    # shellcheck disable=SC2086
    "$RR" replay --quiet r.rrec --db "r$options.db" $options --sysroot $root --analysis calls,insns=100 || say "replay failed"
    expect "calls $options" "r$options.db" "SELECT symbol, count(*) FROM call WHERE symbol LIKE 'work_of_%' OR symbol = 'library_work' GROUP BY 1 ORDER BY 1" "\
library_work,3
work_of_moved,1
work_of_one,1"
    # Those in the library's code: of the program that was linked with it, mapped, and moved.
    while read -r _ address; do
        expect "library_work at $address $options" "r$options.db" "SELECT symbol FROM call WHERE pc = $address" library_work
    done < <(grep '^at 0x' r.out)
done
maps="SELECT satp, from_pos, addr, size, module_id, shift, pid FROM map ORDER BY id"
[ "$(sql r.db "$maps")" = "$(sql "r--perturb 3.db" "$maps")" ] || say "map is another with --perturb"
[ $fails -eq 0 ] && echo "all good"
exit $((fails > 0))
