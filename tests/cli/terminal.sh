# SPDX-License-Identifier: GPL-2.0-or-later
# The terminal: the escape key, Ctrl-C, and what becomes of the terminal afterwards.
set -u
[ -f "$GUESTS/echo.elf" ] || { echo "skipped: no cross compiler"; exit 77; }
python3 - "$RR" "$GUESTS/echo.elf" <<'PY'
import os, pty, re, select, sys, termios, time

rr, guest = sys.argv[1:]
machine = ["-M", "virt", "-bios", "none", "-kernel", guest]
fails = 0


def run(name, words, talk, status, expected):
    """talk: (text to wait for, bytes to type then) pairs."""
    global fails
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(rr, [rr, "run"] + words + machine)
    got, seen, until = b"", 0, time.time() + 60
    while time.time() < until:
        if talk and talk[0][0] in got[seen:]:
            seen = len(got)
            os.write(fd, talk.pop(0)[1])
        if not select.select([fd], [], [], 0.1)[0]:
            continue
        try:
            more = os.read(fd, 4096)
        except OSError: # the last user of the terminal has gone
            break
        got += more
        if not more:
            break
    left = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if left != status or not re.search(expected, got, re.S):
        fails += 1
        print(f"{name}: status {left}, expected {status}; {got!r}")
    os.close(fd)


run("Ctrl-A x", ["-nographic"], [(b"ready", b"abc\r"), (b"1: ABC", b"\x01x")], 0, rb"Ctrl-A x\)")
run("Ctrl-A h", ["-nographic"], [(b"ready", b"\x01h"), (b"no monitor", b"abc\r"), (b"1: ABC", b"\x01x")], 0, rb"Ctrl-A x  end the run")
run("Ctrl-A c", ["-nographic"], [(b"ready", b"\x01c"), (b"no monitor", b"\x01x")], 0, rb"Ctrl-A x\)")
run("Ctrl-C is the guest's", ["-nographic"], [(b"ready", b"a\x03b\r"), (b"1: A\x03B", b"\x01x")], 0, rb"Ctrl-A x\)")
run("Ctrl-C ends -serial stdio", ["-serial", "stdio"], [(b"ready", b"\x03")], 130, rb"SIGINT")

# A terminal that was changed is given back as it was.
master, slave = pty.openpty()
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.dup2(slave, 0)
    os.execv(rr, [rr, "run", "--quiet", "--until", "ready", "-nographic"] + machine)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
if status or termios.tcgetattr(slave) != before:
    fails += 1
    print(f"the terminal's settings: status {status}")
sys.exit(fails > 0)
PY
status=$?
[ $status -eq 0 ] || exit $status

# A reader that stands still holds nobody: SIGTERM ends the run, and the recording is whole.
python3 -c 'import struct, sys; sys.stdout.buffer.write(struct.pack("<4I", 0x100002b7, 0x07800313, 0x00628023, 0xffdff06f))' >chatter.bin
mkfifo pipe
timeout -k 20 60 "$RR" record --quiet -o still.rrec -M virt -nographic -bios none -kernel chatter.bin </dev/null >pipe &
exec 3<pipe
sleep 1 # the pipe is full long before
kill $!
wait $!
status=$?
exec 3<&-
[ $status -eq 143 ] || { echo "a reader that stands still: status $status"; exit 1; }
"$RR" verify still.rrec
