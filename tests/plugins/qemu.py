#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's own plugins, unmodified: the same counts as in QEMU 10, and plausible tables of a Linux boot.

usage: qemu.py RR-EMU GUESTS SCRATCH [PLUGIN…]

Prints "case pass|fail|skip NAME  [REASON]" a case. The sources are Debian's (./dev fetches them to .cache/qemu-source).
rr-emu's copies are built against the header of this repository, QEMU's against its own. A plugin's table entry says on
which guest and with which arguments it is compared, and what of its output must be equal: everything, where block
boundaries do not enter; where they do, what does not depend on them.
"""
import concurrent.futures, json, os, re, shutil, struct, subprocess, sys, tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCE = os.path.join(TOP, ".cache", "qemu-source")
CHROOT = os.path.join(TOP, ".cache", "qemu10")
LINUX = os.path.join(TOP, ".cache", "linux")
TIMEOUT = 600


# -- what is compared: a function from the output (and the folder of files that it left) to a value -------------------
def everything(text, _):
    return text


def lines(pattern, unordered=False):
    """The groups of every line that matches."""
    def parse(text, _):
        found = re.findall(pattern, text, re.M)
        return sorted(found) if unordered else found
    return parse


def execlog(text, _):
    """All but the disassembly and the names of devices."""
    return [re.sub(r"(, (?:load|store), 0x[0-9a-f]{8}, )(?!RAM)\S+", r"\1device", re.sub(r', "[^"]*"', "", l)) for l in text.splitlines()]


def accesses(text, _):
    """pc, symbol, vaddr, paddr, size, op, value: all but the symbol."""
    return [re.sub(r"^(0x[0-9a-f]+),[^,]*,", r"\1,", l) for l in text.splitlines() if l.startswith("0x")]


def opcodes(text, _):
    """Hits an opcode, without the last count, where the list is cut; the classes."""
    hits = {op: int(n) for n, op in re.findall(r"\((\d+) hits\)\s*\(op=(0x[0-9a-f]+)", text)}
    return {op: n for op, n in hits.items() if n > min(hits.values())}, re.findall(r"^Class:.*$", text, re.M)


def nodes(text, _):
    """The hottest control flow nodes: address, branches, targets with their counts."""
    found = re.findall(r"addr: (0x[0-9a-f]+) .*\((\w[\w ]*)\)\n(?: +early exits \d+\n)?(?: +branches (\d+)\n)?((?: +to .*\n)*)", text)
    return [(addr, count, sorted(re.findall(r"to (0x[0-9a-f]+) \((\d+)\)", to))) for addr, kind, count, to in found]


def covered(_, folder):
    """drcov's blocks, as the set of bytes that they cover."""
    with open(os.path.join(folder, "out.drcov"), "rb") as f:
        header, _, table = f.read().partition(b"BB Table: ")
    count, _, entries = table.partition(b" bbs\n")
    assert header.startswith(b"DRCOV VERSION: 2") and len(entries) == 8 * int(count), "not a drcov file"
    covered = set()
    for start, size, module in struct.iter_unpack("<IHH", entries):
        covered.update(range(start, start + size))
    return covered


def vectors(_, folder):
    """bbv: instructions in each interval. Blocks' numbers are the emulator's."""
    with open(os.path.join(folder, "out.0.bb")) as f:
        rows = [l for l in f if l.startswith("T")]
    return [sum(int(pair.split(":")[1]) for pair in l[1:].split()) for l in (r.replace(":", " ", 1).replace(" :", " ") for r in rows)]


# -- how near: None, or what is wrong ----------------------------------------------------------------------------------
def equal(ours, theirs):
    if ours == theirs and ours:
        return None
    if isinstance(ours, (list, tuple)) and isinstance(theirs, (list, tuple)):
        for i, (a, b) in enumerate(zip(ours, theirs)):
            if a != b:
                return f"entry {i}: {str(a)[:200]} here, {str(b)[:200]} in QEMU"
        return f"{len(ours)} entries here, {len(theirs)} in QEMU"
    if isinstance(ours, set):
        return f"{len(ours)} here, {len(theirs)} in QEMU; only here {sorted(ours - theirs)[:5]}, only there {sorted(theirs - ours)[:5]}"
    return f"{str(ours)[:300]} here, {str(theirs)[:300]} in QEMU"


def ended(ours, theirs):
    """Equal, but QEMU goes on for an instruction or two after the store that ends the run."""
    if isinstance(ours, set):
        return None if ours and ours <= theirs and len(theirs - ours) <= 16 else equal(ours, theirs)
    if isinstance(ours[0], str) and not ours[0].isdigit():
        return equal(ours, theirs[:len(ours)]) if len(theirs) - len(ours) <= 3 else equal(ours, theirs)
    a, b = ([int(n) for row in rows for n in ([row] if isinstance(row, str) else row)] for rows in (ours, theirs))
    return None if len(a) == len(b) > 0 and all(0 <= y - x <= 3 for x, y in zip(a, b)) else equal(ours, theirs)


def silent(ours, theirs):
    return None if ours == theirs == "" else f"{ours[:100]!r} here, {theirs[:100]!r} in QEMU"


def near(part):
    """Numbers that agree but for the blocks that were cut, which make up less than `part`."""
    def compare(ours, theirs):
        a, b = [[float(n) for n in row] if isinstance(row, (tuple, list)) else [float(row)] for row in ours], \
               [[float(n) for n in row] if isinstance(row, (tuple, list)) else [float(row)] for row in theirs]
        flat, other = sum(a, []), sum(b, [])
        good = len(flat) == len(other) > 0 and all(abs(x - y) <= part * max(abs(x), abs(y)) for x, y in zip(flat, other))
        return None if good else f"{flat[:8]} here, {other[:8]} in QEMU"
    return compare


def common(ours, theirs):
    """hotblocks' rows: most blocks are the same ones, and as often executed."""
    a, b = ({(pc, icount): int(n) for pc, _, icount, n in rows} for rows in (ours, theirs))
    shared = a.keys() & b.keys()
    if len(shared) < 0.7 * max(len(a), 1):
        return f"only {len(shared)} of {len(a)} blocks are the same"
    far = [k for k in shared if abs(a[k] - b[k]) > 0.001 * b[k]]
    return f"{far[0]}: {a[far[0]]} here, {b[far[0]]} in QEMU" if far or not shared else None


# -- what a boot's table must look like: (output, folder, steps of the recording) → bool ---------------------------------
def kernel(pcs):
    return sum(pc.startswith("0xffffffff8") for pc in pcs)


def all_of(pattern):
    return lambda text: [int(n) for n in re.findall(pattern, text, re.M)]


def retired(pattern, slack=0.01):
    return lambda text, _, steps: (n := all_of(pattern)(text)) and (1 - slack) * steps <= n[0] <= (1 + slack) * steps


def plausible_hotblocks(text, _, steps):
    rows = re.findall(r"^(0x[0-9a-f]+), \d+, (\d+), (\d+)$", text, re.M)
    counts = [int(n) for _, _, n in rows]
    return len(rows) == 20 and counts == sorted(counts, reverse=True) and kernel(pc for pc, _, _ in rows) > 10


def plausible_hotpages(text, _, steps):
    rows = re.findall(r"^(0x[0-9a-f]+), 0x0001, (\d+), 0x000[01], (\d+)$", text, re.M)
    return len(rows) > 40 and 0.01 * steps < sum(int(r) + int(w) for _, r, w in rows) < steps


def plausible_howvec(text, _, steps):
    hits = all_of(r"\((\d+) hits\)")(text)
    return len(hits) > 40 and 0.05 * steps < sum(hits) <= steps


def plausible_execlog(text, _, steps):
    rows = re.findall(r'^0, (0x[0-9a-f]+), 0x[0-9a-f]+, "([^"]+)"', text, re.M)
    return len(rows) > 100_000 and kernel(pc for pc, _ in rows) > 50_000 and " load, 0x" in text and " store, 0x" in text


def plausible_cache(text, _, steps):
    row = re.search(r"^0\s+(\d+)\s+(\d+)\s+\S+\s+(\d+)\s+(\d+)", text, re.M)
    data, misses, insns, imisses = (int(n) for n in row.groups())
    return 0.1 * insns < data < insns and 0 < misses < 0.3 * data and 0 < imisses < 0.2 * insns


def plausible_cflow(text, _, steps):
    found = nodes(text, None)
    return len(found) >= 10 and sum(int(n) for _, n, _ in found) > 100_000


def plausible_drcov(_, folder, steps):
    return 100_000 < len(covered(None, folder)) < 50_000_000


def plausible_bbv(_, folder, steps):
    return 0.98 * steps <= sum(vectors(None, folder)) + 10_000_000 and sum(vectors(None, folder)) <= 1.02 * steps


def plausible_stop(text, _, steps):
    return re.search(r"^.* reached.* exiting$", text, re.M)


def plausible_hwprofile(text, _, steps):
    rows = {r.split(",")[0] for r in text.splitlines()[1:]}
    return len(rows) >= 3 and any("uart" in r for r in rows) and any("plic" in r for r in rows)


def plausible_inline(text, _, steps):
    return retired(r"^insn: (\d+)$")(text, _, steps // 100) and "cond" in text


def plausible_mem(text, _, steps):
    n = all_of(r"^mem accesses: (\d+)$")(text)
    return n and 0.1 * steps < n[0] < steps and 0 < all_of(r"^io accesses: (\d+)$")(text)[0] < 0.01 * steps


def nothing(text, _, steps):
    return not text


CACHE = lines(r"^0 +(\d+) +(\d+) +[\d.]+% +(\d+) +(\d+)")
# name: folder; cases (guest, arguments, what, how near, exit status); the boot: arguments, range or "", check, status
TESTS, CONTRIB = "tests/tcg/plugins", "contrib/plugins"
SLICE = "--from 50% --to 51%"
PLUGINS = {
    "bb": (TESTS, [("bench-small", "inline=true", lines(r"insns: (\d+)"), near(0.0001), 0),
                   ("bench-small", "inline=false", lines(r"insns: (\d+)"), near(0.0001), 0)],
           "inline=true", "", retired(r"^Total: bb's: \d+, insns: (\d+)"), 0),
    "insn": (TESTS, [("bench-small", "inline=true", lines(r"insns: (\d+)$"), ended, 0),
                     ("fp", "inline=false", lines(r"insns: (\d+)$"), ended, 0),
                     ("smc", "inline=true", lines(r"insns: (\d+)$"), ended, 0)],
             "inline=true", "", retired(r"^total insns: (\d+)"), 0),
    "inline": (TESTS, [("bench-small", "", lines(r"^(?:insn|mem): (\d+)"), ended, 0), ("smc", "", lines(r"^(?:insn|mem): (\d+)"), ended, 0)],
               "", SLICE, plausible_inline, 0),
    "empty": (TESTS, [("bench-small", "", everything, silent, 0)], "", "", nothing, 0),
    "syscall": (TESTS, [("paging", "", everything, equal, 0)], "", "", lambda text, _, steps: "0x" not in text, 0),
    "mem": (TESTS, [("bench-small", "inline=true", everything, equal, 0),
                    ("smc", "callback=true,haddr=true,region-summary=true", everything, equal, 0),
                    ("bench-small", "inline=true,track=w", everything, equal, 0),
                    ("smc", "callback=true,print-accesses=true", accesses, equal, 0)],
            "callback=true,haddr=true", "", plausible_mem, 0),
    "hotblocks": (CONTRIB, [("bench-small", f"inline={way}", lines(r"^(0x[0-9a-f]+), (\d+), (\d+), (\d+)"), common, 0)
                            for way in ("true", "false")], "inline=true", "", plausible_hotblocks, 0),
    "hotpages": (CONTRIB, [("bench-small", "sortby=address", everything, equal, 0),
                           ("smc", "sortby=address,pagesize=2048", everything, equal, 0),
                           ("bench-small", "sortby=reads,io=on", lines(r"^0x.*, 0x000\d, .*$", True), equal, 0)],
                 "sortby=reads", "", plausible_hotpages, 0),
    "howvec": (CONTRIB, [("bench-small", "count=individual", opcodes, equal, 0), ("bench-small", "inline=true", opcodes, equal, 0)],
               "inline=true", "", plausible_howvec, 0),
    "execlog": (CONTRIB, [("smc", "", execlog, ended, 0), ("fp", "reg=sp,reg=a0", execlog, ended, 0),
                          ("bench-small", "afilter=0x80000714", execlog, ended, 0)],
                "", "--from 50% --to 50.1%", plausible_execlog, 0),
    "cache": (CONTRIB, [("bench-small", "limit=0", CACHE, ended, 0),
                        ("smc", "limit=0,l2=on,evict=fifo,dcachesize=8192", CACHE, ended, 0)],
              "limit=5", "--from 50% --to 52%", plausible_cache, 0),
    "cflow": (CONTRIB, [("bench-small", "sort=hottest", nodes, equal, 0)], "sort=hottest", "", plausible_cflow, 0),
    "drcov": (CONTRIB, [("bench-small", "filename={dir}/out.drcov", covered, ended, 0)],
              "filename={dir}/out.drcov", "", plausible_drcov, 0),
    "bbv": (CONTRIB, [("bench-small", "interval=1000000,outfile={dir}/out", vectors, near(0.0001), 0)],
            "interval=10000000,outfile={dir}/out", "", plausible_bbv, 0),
    "stoptrigger": (CONTRIB, [("bench-small", "icount=1000000", lines(r"^.* reached.* exiting$"), equal, 0),
                              ("bench-small", "icount=5000:3", lines(r"^.* reached.* exiting$"), equal, 3),
                              ("smc", "addr=0x80000000:7", lines(r"^.* reached.* exiting$"), equal, 7)],
                    "icount=20000000:9", "", plausible_stop, 9),
    "hwprofile": (CONTRIB, [("bench-small", "", lines(r"^[^,\n]+, (0x.*)$"), equal, 0),
                            ("smc", "source=on", lines(r"^ +pc:.*$"), equal, 0),
                            ("fp", "pattern=on", lines(r"^ +off:.*$"), equal, 0)],
                  "", "", plausible_hwprofile, 0),
}


class Bench:
    """Programs and folders of one run of this script."""

    def __init__(self, rr, guests, scratch):
        self.rr, self.guests, self.scratch = rr, guests, scratch
        self.recordings = {}
        self.theirs = os.path.exists(os.path.join(CHROOT, "usr/bin/qemu-system-riscv64")) and os.geteuid() == 0
        self.inside = tempfile.mkdtemp(prefix="rr-emu-plugins.", dir=os.path.join(CHROOT, "tmp")) if self.theirs else None

    def close(self):
        if self.inside:
            shutil.rmtree(self.inside, ignore_errors=True)

    def compile(self, source, output, *headers):
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "glib-2.0"], capture_output=True, text=True, check=True).stdout.split()
        p = subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-w", *(f"-I{h}" for h in headers), "-o", output, source, *flags], capture_output=True, text=True)
        assert p.returncode == 0, f"does not compile against {headers[0]}: {p.stderr[-600:]}"

    def build(self, name, folder):
        source = os.path.join(SOURCE, folder, name + ".c")
        theirs = os.path.join(SOURCE, "include", "qemu")
        self.compile(source, f"{self.scratch}/{name}.so", os.path.join(TOP, "analyses", "qemu-plugin"), theirs)
        self.compile(source, f"{self.inside or self.scratch}/{name}-4.so", theirs)
        if self.inside:
            shutil.copy(f"{self.inside}/{name}-4.so", self.scratch)

    def record(self, guest):
        rec = os.path.join(self.scratch, guest + ".rrec")
        machine = ["-M", "virt", "-nographic", "-bios", "none", "-kernel", os.path.join(self.guests, guest + ".elf")]
        if guest == "linux":
            machine = ["-M", "virt", "-m", "512M", "-nographic", "-kernel", f"{LINUX}/Image", "-initrd", f"{LINUX}/boot.cpio.gz",
                       "-append", "console=ttyS0 rdinit=/init"]
        p = subprocess.run([self.rr, "record", "--quiet", "--force", "-o", rec, *machine], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        assert p.returncode == 0, f"{guest} does not run"
        self.recordings[guest] = rec

    def ours(self, guest, plugin, args, folder, words=""):
        out = os.path.join(folder, "ours")
        with open(out, "wb") as f:
            p = subprocess.run([self.rr, "replay", "--quiet", self.recordings[guest], *words.split(), "--plugin",
                                f"{self.scratch}/{plugin}.so" + ("," + args if args else "")],
                               stdout=subprocess.DEVNULL, stderr=f, timeout=TIMEOUT, cwd=folder)
        text = open(out, errors="replace").read()
        return p.returncode, re.sub(r"^rr-emu: .*\n|^plugin .* ended the process.*\n", "", text, flags=re.M)

    def judge(self, guest, plugin, args):
        """The same in QEMU 10: exit status, output, folder."""
        folder = tempfile.mkdtemp(dir=self.inside)
        shutil.copy(os.path.join(self.guests, guest + ".elf"), folder)
        seen = folder[len(CHROOT):]
        shown = "/".join(self.inside[len(CHROOT):].split("/"))
        words = ["chroot", CHROOT, "qemu-system-riscv64", "-M", "virt", "-cpu", "rv64", "-nographic", "-bios", "none", "-monitor", "none",
                 "-serial", "null", "-icount", "shift=0", "-kernel", f"{seen}/{guest}.elf", "-d", "plugin", "-D", f"{seen}/out", "-plugin",
                 f"{shown}/{plugin}-4.so" + ("," + args.format(dir=seen) if args else "")]
        p = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=TIMEOUT, text=True)
        path = os.path.join(folder, "out")
        assert p.returncode >= 0 and os.path.exists(path), f"QEMU: {p.stderr[-300:]}"
        return p.returncode, open(path, errors="replace").read(), folder

    def compare(self, name, case):
        guest, args, what, how, status = case
        folder = tempfile.mkdtemp(dir=self.scratch)
        code, text = self.ours(guest, name, args.format(dir=folder), folder)
        assert code == status, f"{guest},{args}: exit status {code}: {text[-300:]}"
        theirs, judged, left = self.judge(guest, name, args)
        assert theirs == status, f"{guest},{args}: QEMU's exit status is {theirs}"
        problem = how(what(text, folder), what(judged, left))
        assert problem is None, f"{guest},{args}: {problem}"
        shutil.rmtree(folder)
        shutil.rmtree(left)

    def boot(self, name, entry):
        _, _, args, words, check, status = entry
        folder = tempfile.mkdtemp(dir=self.scratch)
        code, text = self.ours("linux", name + "-4", args.format(dir=folder), folder, words)
        assert code == status, f"exit status {code}: {text[-300:]}"
        info = json.loads(subprocess.run([self.rr, "info", "--json", self.recordings["linux"]], capture_output=True, text=True).stdout)
        assert check(text, folder, info["end"]["pos"]), f"not plausible: {text[-400:]}"
        shutil.rmtree(folder)


def verdict(name, fn):
    try:
        reason = fn()
        return f"case skip {name}  {reason}" if reason else f"case pass {name}"
    except (AssertionError, subprocess.SubprocessError, AttributeError, IndexError, OSError) as e:
        return f"case fail {name}  {str(e) or type(e).__name__}".replace("\n", " | ")


# -- versions and refusals ---------------------------------------------------------------------------------------------
VERSIONED = """#include <qemu-plugin.h>
#include <stdio.h>
QEMU_PLUGIN_EXPORT int qemu_plugin_version = WANTED;
static void seen(unsigned hart, void *data) {}
static void end(qemu_plugin_id_t id, void *data) { CALL; qemu_plugin_outs("ended\\n"); }
QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    qemu_plugin_register_atexit_cb(id, end, NULL);
    return 0;
}
"""
# Calls that would change the guest: QEMU declares them in later versions, so the program declares them itself.
WRITERS = ["qemu_plugin_request_time_control", "qemu_plugin_update_ns", "qemu_plugin_write_register",
           "qemu_plugin_write_memory_vaddr", "qemu_plugin_write_memory_hwaddr"]


def versioned(bench, version, call=""):
    stem = os.path.join(bench.scratch, f"v{version}{call}")
    text = VERSIONED.replace("WANTED", str(version)).replace("CALL", f"{call}()" if call else "")
    if call:
        text = f"int {call}();\n" + text
    with open(stem + ".c", "w") as f:
        f.write(text)
    bench.compile(stem + ".c", stem + ".so", os.path.join(TOP, "analyses", "qemu-plugin"))
    p = subprocess.run([bench.rr, "replay", "--quiet", bench.recordings["hello"], "--plugin", stem + ".so"], capture_output=True, text=True)
    return p.returncode, p.stderr


def check_version(bench, version, pattern):
    status, text = versioned(bench, version)
    assert (status, bool(re.search(pattern, text))) == (2 if "too" in pattern else 0, True), f"version {version}: {status} {text}"


def check_refused(bench, call):
    status, text = versioned(bench, 4, call)
    assert status == 2 and call in text and "only observe" in text, f"{status} {text}"


def check_ips(bench):
    bench.build("ips", CONTRIB)
    for copy in ("ips", "ips-4"):
        status, text = bench_raw(bench, copy)
        assert status == 2 and re.search("qemu_plugin_request_time_control|qemu_plugin_update_ns", text), f"{status} {text}"


def check_version5(bench):
    """What version 5 adds that observes, on a guest with paging."""
    bench.compile(os.path.join(TOP, "tests", "plugins", "version5.c"), f"{bench.scratch}/version5.so", os.path.join(TOP, "analyses", "qemu-plugin"))
    status, text = bench_raw(bench, "version5", "paging")
    found = re.search(r"^compared (\d+) differ 0 devices ([1-9]\d*)$", text, re.M)
    assert status == 0 and found and int(found[1]) > 100_000, f"{status} {text}"


def bench_raw(bench, name, guest="hello"):
    p = subprocess.run([bench.rr, "replay", "--quiet", bench.recordings[guest], "--plugin", f"{bench.scratch}/{name}.so"],
                       capture_output=True, text=True)
    return p.returncode, p.stderr


def cases(bench, wanted):
    """(name, function) of every case; a function returns a reason to skip, or None."""
    linux = os.path.exists(f"{LINUX}/Image") and os.path.exists(f"{LINUX}/boot.cpio.gz")

    def compared(name, entry):
        bench.build(name, entry[0])
        if not bench.theirs:
            return "QEMU 10 could not be had"
        for case in entry[1]:
            bench.compare(name, case)

    def booted(name, entry):
        return bench.boot(name, entry) if linux else "the Linux guest could not be fetched"

    rows = []
    for name, entry in PLUGINS.items():
        if wanted and name not in wanted:
            continue
        rows.append((f"qemu-plugins/{name}", lambda n=name, e=entry: compared(n, e), f"qemu-plugins/{name}-linux", lambda n=name, e=entry: booted(n, e)))
    if not wanted:
        versions = [(1, "too old"), (2, "^ended"), (3, "^ended"), (4, "^ended"), (5, "^ended"), (6, "too new")]
        rows += [(f"qemu-plugins/version-{v}", lambda v=v, t=t: check_version(bench, v, t)) for v, t in versions]
        rows += [(f"qemu-plugins/refused-{w[12:]}", lambda w=w: check_refused(bench, w)) for w in WRITERS]
        rows.append(("qemu-plugins/version-5-reads", lambda: check_version5(bench)))
        rows.append(("qemu-plugins/refused-ips", lambda: check_ips(bench)))
    if linux and any(len(r) == 4 for r in rows):
        bench.record("linux")
    return rows


def main():
    rr, guests, scratch, *wanted = sys.argv[1:]
    missing = ("no riscv64-unknown-elf-gcc" if not os.path.exists(os.path.join(guests, "hello.elf")) else
               "Debian's source package qemu could not be fetched" if not os.path.exists(os.path.join(SOURCE, CONTRIB)) else None)
    if missing:
        for name in wanted or PLUGINS:
            print(f"case skip qemu-plugins/{name}  {missing}")
        return
    bench = Bench(rr, guests, scratch)
    try:
        for guest in ("hello", "bench-small", "paging", "smc", "fp"):
            bench.record(guest)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            run = lambda row: [verdict(row[i], row[i + 1]) for i in range(0, len(row), 2)]
            for verdicts in pool.map(run, cases(bench, wanted)):
                print("\n".join(verdicts), flush=True)
    finally:
        bench.close()


main()
