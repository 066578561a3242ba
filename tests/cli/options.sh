# SPDX-License-Identifier: GPL-2.0-or-later
# What users type: exit statuses, one-line errors that name what is wrong, files and defaults.
set -u
fails=0
check() { # check NAME STATUS REGEX COMMAND…: exit status, and one stderr line that matches
    local name=$1 status=$2 pattern=$3 got
    shift 3
    "$@" >out 2>err </dev/null
    got=$?
    if [ $got -ne "$status" ] || { [ -n "$pattern" ] && ! grep -Eq -- "$pattern" err; }; then
        echo "$name: exit status $got (expected $status), stderr: $(cat err)"
        fails=$((fails + 1))
    fi
}
[ -f "$GUESTS/hello.elf" ] || { echo "skipped: no cross compiler"; exit 77; }
hello="-M virt -nographic -bios none -kernel $GUESTS/hello.elf"
export RR_EMU_DIR=$PWD/store

# Exit statuses and the default folder.
check run 0 'exit status 0' "$RR" run $hello
grep -q '^hello from hart 0' out || { echo "run: stdout is not the guest's"; fails=$((fails + 1)); }
check "qemu's name is dropped" 0 'recorded' "$RR" record /usr/bin/qemu-system-riscv64 $hello
check "double dashes" 0 'exit status 0' "$RR" run --machine virt -nographic --bios none --kernel "$GUESTS/hello.elf"
[ "$(stat -c %a store/*.rrec)" = 600 ] || { echo "mode of a recording is not 0600"; fails=$((fails + 1)); }
check "the newest is the default" 0 'store/.*rrec' "$RR" verify
check "max-insns" 124 'max-insns' "$RR" record -o short.rrec --max-insns 1k $hello
check "verify the short one" 0 'replayed' "$RR" verify short.rrec
check "no overwriting" 125 'short.rrec.*--force' "$RR" record -o short.rrec $hello
check "force" 0 'recorded' "$RR" record --force -o short.rrec $hello
check "until" 0 'matched --until' "$RR" run --until '^read' -M virt -nographic -bios none -kernel "$GUESTS/echo.elf"
check "fail" 1 'matched --fail' "$RR" run --fail 'ready$' -M virt -nographic -bios none -kernel "$GUESTS/echo.elf"
check "nothing can wake it" 124 'nothing can wake it' "$RR" run -M virt -nographic -bios none -kernel "$GUESTS/echo.elf"
check "a trap storm" 124 'max-insns' "$RR" run --max-insns 5k -M virt -nographic -bios none -kernel "$GUESTS/trapstorm.elf"
check "timeout" 124 'timeout' "$RR" record --force -o storm.rrec --timeout 0.3 -M virt -nographic -bios none -kernel "$GUESTS/trapstorm.elf"
check "verify the timeout" 0 'replayed' "$RR" verify storm.rrec
check "pidfile" 0 '' timeout 60 "$RR" run -pidfile pid --until ready -M virt -nographic -bios none -kernel "$GUESTS/echo.elf"
[ ! -e pid ] || { echo "the pidfile is left"; fails=$((fails + 1)); }
check "pidfile that cannot be" 125 '-pidfile absent/pid: ' "$RR" run -pidfile absent/pid $hello
check "quiet" 0 '' "$RR" run --quiet $hello
[ ! -s err ] || { echo "--quiet is not quiet: $(cat err)"; fails=$((fails + 1)); }

# Refusals: by name, with what is supported.
check "unknown command" 2 "no command 'recrod'" "$RR" recrod
check "unknown option" 125 "'-sdl' is not supported" "$RR" run -sdl
check "unknown machine" 125 "spike.*supported: virt" "$RR" run -M spike
check "unknown cpu property" 125 "zfoo=on.*zbb" "$RR" run -cpu rv64,zfoo=on
check "cpu profile" 0 'exit status 0' "$RR" run -cpu rva22s64 $hello
check "cpu property" 0 'exit status 0' "$RR" run -cpu rv64,zbb=off $hello
check "pci device" 125 'virtio-blk-device' "$RR" run -device virtio-blk-pci,drive=d $hello
check "missing kernel" 125 "nosuch" "$RR" run -bios none -kernel nosuch
check "missing value" 125 '-m needs a value' "$RR" run -m
check "memory size" 125 "'lots' is not supported" "$RR" run -m lots
check "missing drive" 125 "no drive 'd'" "$RR" run -device virtio-blk-device,drive=d $hello
check "qcow2" 125 'qemu-img convert' "$RR" run -drive file=x,format=qcow2 $hello
check "diff --sysroot" 2 '--sysroot nowhere: not a folder' "$RR" diff --sysroot nowhere x.rrec y.rrec
check "record --sysroot" 125 '--sysroot nowhere: not a folder' "$RR" record --sysroot nowhere $hello
check "record --symbols" 125 '--symbols x.elf: .*No such file' "$RR" record --symbols x.elf $hello
echo text >text.elf
check "record --symbols of a text" 125 '--symbols text.elf: not a 64-bit ELF file' "$RR" record --symbols text.elf@0x1000 $hello
check "monitor" 125 'supported: none' "$RR" run -monitor stdio $hello
check "no recording" 2 'nosuch.rrec' "$RR" verify nosuch.rrec
check "no recording either" 2 'rrec|recording' "$RR" info "$GUESTS/hello.elf"
check "unknown analysis" 2 "nosuch.*memtrace" "$RR" replay short.rrec --analysis nosuch
check "an analysis in the plural" 0 '' "$RR" replay short.rrec --db plural.db --analysis traps,as=faults
"$RR" sql --format csv plural.db "SELECT args FROM analysis WHERE name = 'faults'" 2>&1 | grep -q '^"\?trap,as=faults' || { echo "an analysis in the plural is not kept by its own name"; fails=$((fails + 1)); }
check "nearly its name" 2 "unknown; there are" "$RR" replay short.rrec --analysis trapss
check "an initrd that is a program of the host's" 0 'recorded' "$RR" record --force -o host.rrec -initrd /bin/sh $hello
check "its symbols" 0 '' "$RR" sql host.rrec "SELECT count(*) FROM symbol"
check "symbols of another machine" 2 '/bin/sh: not a 64-bit ELF file for RISC-V' "$RR" sql short.rrec --symbols /bin/sh "SELECT 1"
check "an empty value" 2 "--db: '' is not FILE" "$RR" replay short.rrec --db '' --analysis trap
check "bad position" 2 'step count, start, end' "$RR" replay short.rrec --to soon
check "ten, not eight" 0 'replayed to 10 steps' "$RR" replay short.rrec --to 010
check "position beyond" 2 'beyond' "$RR" replay short.rrec --to 100G
check "missing table" 2 "replay .*--analysis memtrace" "$RR" sql short.rrec 'SELECT * FROM memtrace'
check "bad sql" 2 'syntax' "$RR" sql short.rrec 'SELEKT'
check "bad format" 2 'table, csv, json or line' "$RR" sql --format xml short.rrec 'SELECT 1'
check "a word too many for info" 2 "'b'.*one recording" "$RR" info short.rrec b
check "a word too many for list" 2 "'b'" "$RR" list b
check "a plugin that is not there" 2 'plugin b: no such file' "$RR" analyses b
check "one analysis" 0 "" "$RR" analyses trap
check "a word too many for help" 2 "'b'" "$RR" help run b
check "SQL that begins with a comment" 0 '' "$RR" sql short.rrec "-- one
SELECT 1"
check "diff needs two" 2 'two recordings' "$RR" diff short.rrec

# Guest disk writes stay in the recording unless they are asked for.
truncate -s 4M disk.img
before=$(md5sum <disk.img)
disk="-M virt -nographic -bios none -kernel $GUESTS/virtio_blk.elf -drive file=disk.img,if=none,id=d,format=raw -device virtio-blk-device,drive=d"
check "disk writes" 0 'blocks of disk.img; the image is unchanged' "$RR" record --force -o disk.rrec $disk
[ "$(md5sum <disk.img)" = "$before" ] || { echo "the image was changed"; fails=$((fails + 1)); }
check "write-images" 0 'in the image now' "$RR" record --force --write-images -o disk.rrec $disk
[ "$(md5sum <disk.img)" != "$before" ] || { echo "the image was not changed"; fails=$((fails + 1)); }
mv disk.img away.img
check "replay without the image" 0 'agree' "$RR" verify disk.rrec
mv away.img disk.img

check "-snapshot" 0 'unchanged \(-snapshot\)' "$RR" record --force --write-images -o disk.rrec -snapshot $disk

# What a guest prints need not be text: NUL, escape, "hi".
python3 -c 'import struct, sys; sys.stdout.buffer.write(struct.pack("<12I", 0x100002b7, 0x00028023, 0x01b00313, 0x00628023, 0x06800313, 0x00628023, 0x06900313, 0x00628023, 0x001003b7, 0x00005e37, 0x555e0e13, 0x01c3a023))' >bytes.bin
check "record bytes" 0 'exit status 0' "$RR" record -o bytes.rrec -M virt -nographic -bios none -kernel bytes.bin
check "a position behind a NUL" 0 'replayed' "$RR" replay bytes.rrec --to console:hi
"$RR" sql bytes.rrec "SELECT text FROM console" >out
grep -q 'hi' out && ! grep -q "$(printf '\033')" out || { echo "an escape sequence of the guest's: $(od -c out)"; fails=$((fails + 1)); }

# Output formats.
"$RR" sql --format csv short.rrec "SELECT 'a,b' AS x, 1 AS y" >out 2>err
[ "$(tail -n +1 out)" = "$(printf 'x,y\n"a,b",1')" ] || { echo "csv: $(cat out err)"; fails=$((fails + 1)); }
"$RR" sql --format json short.rrec "SELECT 9007199254740993 AS big, NULL AS none, 'q\"' AS text, 1e999 AS huge" >out 2>err
python3 -c 'import json,sys; r = json.load(open("out")); assert r == [{"big": "9007199254740993", "none": None, "text": "q\"", "huge": "inf"}], r' ||
    { echo "json: $(cat out)"; fails=$((fails + 1)); }
"$RR" info --json short.rrec | python3 -c 'import json,sys; r = json.load(sys.stdin); assert r["end"]["complete"] and r["events"]["clock"] == 1, r' ||
    { echo "info --json"; fails=$((fails + 1)); }
echo 'SELECT count(*) FROM console' | "$RR" sql short.rrec >out 2>err || { echo "sql from stdin: $(cat err)"; fails=$((fails + 1)); }
check "rm" 0 '' "$RR" rm short.rrec
[ ! -e short.rrec ] || { echo "rm left the file"; fails=$((fails + 1)); }
check "help" 0 '' "$RR" help record
grep -q -- '--max-insns' out || { echo "help record does not list --max-insns"; fails=$((fails + 1)); }
[ $fails -eq 0 ] && echo "all good"
exit $((fails > 0))
