#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What observation costs: every analysis against the plain replay, every plugin of QEMU's against the same one in QEMU 10.

usage: plugins.py RR-EMU [--guest NAME] [--runs N] [--timeout S] [--only NAME…] [--no-qemu] [--json FILE]

A row: wall seconds here and how many times the plain replay that is, by wall and by processor time (of all threads); for
analyses rows, bytes of the database, and rows a second; for plugins the same for that plugin in QEMU 10, and how many
times ours that is. Medians. Never a verdict. A plugin that fails, or is not
done after the timeout, has no figure (QEMU 10 aborts in insn without -icount).
"""
import argparse, json, os, shutil, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CHROOT, SOURCE, LINUX = (os.path.join(TOP, ".cache", name) for name in ("qemu10", "qemu-source", "linux"))

ANALYSES = ["trap", "irq", "console", "tasks", "syscalls", "mmio", "dma", "blocks", "funcs", "calls", "insn", "memtrace"]
CONTRIB, TESTS = "contrib/plugins", "tests/tcg/plugins"
PLUGINS = [("empty", TESTS, ""), ("insn", TESTS, "inline=true"), ("bb", TESTS, "inline=true"), ("mem", TESTS, "inline=true"),
           ("hotblocks", CONTRIB, "inline=true"), ("drcov", CONTRIB, "filename={dir}/out.drcov"), ("bbv", CONTRIB, "outfile={dir}/out"),
           ("hotblocks", CONTRIB, ""), ("mem", TESTS, "callback=true"), ("hwprofile", CONTRIB, ""), ("hotpages", CONTRIB, "sortby=reads"),
           ("howvec", CONTRIB, "count=individual"), ("cflow", CONTRIB, "sort=hottest"), ("inline", TESTS, ""), ("cache", CONTRIB, "limit=5")]


class Time(float):
    """Wall seconds, with `cpu`: user and system, of all threads."""
    cpu = 0.0


def timed(words, timeout, cwd):
    """None: it failed or was not done in time."""
    began = time.monotonic()
    p = subprocess.Popen(["timeout", str(timeout), *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=cwd)
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    result = Time(time.monotonic() - began)
    result.cpu = usage.ru_utime + usage.ru_stime
    return None if p.returncode else result


def median(times):
    times = [t for t in times if t is not None]
    if not times:
        return None
    result = Time(statistics.median(times))
    result.cpu = statistics.median(t.cpu for t in times)
    return result


def cpu(t):
    return t and t.cpu


def text(value, unit="", digits=2):
    return "–" if value is None else f"{value:.{digits}f}{unit}"


def over(a, b):
    return a / b if a and b else None


class Bench:
    def __init__(self, a, folder):
        self.rr, self.a, self.folder = os.path.abspath(a.rr), a, folder
        self.rec = os.path.join(folder, "r.rrec")
        self.machine = ["-M", "virt", "-m", "512M", "-nographic", "-kernel", f"{LINUX}/Image", "-initrd", f"{LINUX}/{a.guest}.cpio.gz",
                        "-append", "console=ttyS0 rdinit=/init"]
        self.inside = None
        if not a.no_qemu and os.path.exists(f"{CHROOT}/usr/bin/qemu-system-riscv64") and os.geteuid() == 0:
            self.inside = tempfile.mkdtemp(prefix="rr-emu-bench.", dir=f"{CHROOT}/tmp")
            for file in (f"{LINUX}/Image", f"{LINUX}/{a.guest}.cpio.gz"):
                shutil.copy(file, self.inside)

    def replay(self, *words):
        return median([timed([self.rr, "replay", "--quiet", self.rec, *words], self.a.timeout, self.folder) for _ in range(self.a.runs)])

    def qemu(self, *words):
        if not self.inside:
            return None
        seen = self.inside[len(CHROOT):]
        machine = [f"{seen}/{os.path.basename(w)}" if os.path.isfile(w) else w for w in self.machine]
        return median([timed(["chroot", CHROOT, "qemu-system-riscv64", *machine, *words], self.a.timeout, self.folder) for _ in range(self.a.runs)])

    def build(self, name, where):
        """Against our header for us, against QEMU's for QEMU."""
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "glib-2.0"], capture_output=True, text=True, check=True).stdout.split()
        theirs = f"{SOURCE}/include/qemu"
        for headers, folder in (([os.path.join(TOP, "analyses", "qemu-plugin"), theirs], self.folder), ([theirs], self.inside)):
            if folder:
                subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-w", *(f"-I{h}" for h in headers), "-o", f"{folder}/{name}.so",
                                f"{SOURCE}/{where}/{name}.c", *flags], check=True)


def analyses(bench, plain, report):
    listed = subprocess.run([bench.rr, "analyses"], capture_output=True, text=True).stdout
    known = {line.split()[0] for line in listed.splitlines() if line and not line[0].isspace()}
    print(f"{'analysis':22} {'seconds':>8} {'x plain':>8} {'x cpu':>8} {'rows':>12} {'bytes':>12} {'rows/s':>12}")
    for name in [n for n in ANALYSES if n in known and (not bench.a.only or n in bench.a.only)]:
        db = os.path.join(bench.folder, "a.db")
        seconds = []
        for _ in range(bench.a.runs):
            if os.path.exists(db):
                os.unlink(db)
            seconds.append(timed([bench.rr, "replay", "--quiet", bench.rec, "--analysis", name, "--db", db], bench.a.timeout, bench.folder))
        wall, rows = median(seconds), None
        if wall:
            out = subprocess.run([bench.rr, "sql", "--quiet", "--format", "csv", db, "SELECT rows FROM analysis"], capture_output=True, text=True).stdout
            rows = int(out.split()[1])
        size = os.path.getsize(db) if os.path.exists(db) else None
        print(f"{name:22} {text(wall):>8} {text(over(wall, plain)):>8} {text(over(cpu(wall), cpu(plain))):>8} {rows if rows is not None else '–':>12} {size or '–':>12} {text(over(rows, wall), '', 0):>12}", flush=True)
        report.append({"analysis": name, "wall": wall, "cpu": cpu(wall), "slowdown": over(wall, plain), "cpu_slowdown": over(cpu(wall), cpu(plain)), "rows": rows, "bytes": size})


def plugins(bench, plain, report):
    if not os.path.exists(os.path.join(SOURCE, CONTRIB)):
        print("plugins: left out: Debian's source package qemu could not be fetched")
        return
    base = bench.qemu()
    print(f"\n{'plugin':26} {'seconds':>8} {'x plain':>8} {'x cpu':>8} {'QEMU 10':>8} {'x plain':>8} {'x cpu':>8} {'QEMU/ours':>10} {'in cpu':>8}")
    print(f"{'(none)':26} {text(plain):>8} {'1.00':>8} {'1.00':>8} {text(base):>8} {'1.00':>8} {'1.00':>8} {text(over(base, plain)):>10} {text(over(cpu(base), cpu(plain))):>8}")
    for name, where, args in [p for p in PLUGINS if not bench.a.only or p[0] in bench.a.only]:
        bench.build(name, where)
        words = lambda folder, seen: f"{seen}/{name}.so" + ("," + args.format(dir=seen) if args else "")
        ours = bench.replay("--plugin", words(bench.folder, bench.folder))
        theirs = bench.qemu("-d", "plugin", "-D", bench.inside[len(CHROOT):] + "/out", "-plugin", words(bench.inside, bench.inside[len(CHROOT):])) if bench.inside else None
        label = name + ("," + args.split("=")[0] + "=…" if "{dir}" in args else "," + args if args else "")
        print(f"{label:26} {text(ours):>8} {text(over(ours, plain)):>8} {text(over(cpu(ours), cpu(plain))):>8} {text(theirs):>8} {text(over(theirs, base)):>8}"
              f" {text(over(cpu(theirs), cpu(base))):>8} {text(over(theirs, ours)):>10} {text(over(cpu(theirs), cpu(ours))):>8}", flush=True)
        report.append({"plugin": label, "wall": ours, "cpu": cpu(ours), "slowdown": over(ours, plain), "cpu_slowdown": over(cpu(ours), cpu(plain)),
                       "qemu": theirs, "qemu_cpu": cpu(theirs), "qemu_slowdown": over(theirs, base)})


def main():
    a = argparse.ArgumentParser()
    a.add_argument("rr")
    a.add_argument("--guest", default="gzip", help="NAME of tests/guests/linux/NAME.init")
    a.add_argument("--runs", type=int, default=3)
    a.add_argument("--timeout", type=float, default=300)
    a.add_argument("--only", nargs="*", default=[])
    a.add_argument("--no-qemu", action="store_true")
    a.add_argument("--json")
    a = a.parse_args()
    if not os.path.exists(f"{LINUX}/{a.guest}.cpio.gz"):
        sys.exit(f"the Linux guest {a.guest} is missing: ./dev bench fetches it")
    report, load = [], os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="rr-emu-bench.") as folder:
        bench = Bench(a, folder)
        try:
            subprocess.run([bench.rr, "record", "--quiet", "-o", bench.rec, *bench.machine], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
            plain = bench.replay()
            print(f"guest {a.guest}: plain replay {text(plain)} s ({text(cpu(plain))} s cpu), {a.runs} rounds, load {load:.1f} before")
            analyses(bench, plain, report)
            plugins(bench, plain, report)
        finally:
            if bench.inside:
                shutil.rmtree(bench.inside, ignore_errors=True)
    if a.json:
        with open(a.json, "w") as f:
            json.dump({"guest": a.guest, "plain": plain, "rounds": a.runs, "load": [load, os.getloadavg()[0]], "rows": report}, f, indent=1)


main()
