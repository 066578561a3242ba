#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Side by side with QEMU: wall and CPU seconds, medians, ratios. Never a verdict.

usage: bench.py RR-EMU [--runs N] [--json FILE] [--only NAME…] [--guest NAME 'MACHINE WORDS'] [--qemu PATH]

Each round runs every contender once, in turn, so that a drift of the machine meets all alike.
"""
import argparse, json, os, shlex, shutil, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
LINUX = os.path.join(TOP, ".cache", "linux")


def linux(name):
    image, initrd = os.path.join(LINUX, "Image"), os.path.join(LINUX, name + ".cpio.gz")
    if not os.path.exists(initrd) or not os.path.exists(image):
        return None
    return ["-M", "virt", "-m", "512M", "-nographic", "-kernel", image, "-initrd", initrd, "-append", "console=ttyS0 rdinit=/init"]


def bare(name, build):
    elf = os.path.join(build, "guests", name)
    return ["-M", "virt", "-nographic", "-bios", "none", "-kernel", elf] if os.path.exists(elf) else None


class Chroot:
    """QEMU 10 in its chroot: files of the command line are copied in, once."""

    def __init__(self, root):
        self.root = root

    def words(self, machine):
        def inside(word):
            if not os.path.isfile(word):
                return word
            os.makedirs(os.path.join(self.root, "guest"), exist_ok=True)
            shutil.copy(word, os.path.join(self.root, "guest", os.path.basename(word)))
            return "/guest/" + os.path.basename(word)
        return ["chroot", self.root, "qemu-system-riscv64"] + [inside(w) for w in machine]


def measure(words, output=None):
    """One run: wall, user+system, peak resident KiB, status."""
    began = time.monotonic()
    with open(output or os.devnull, "wb") as out:
        p = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
    return {"wall": time.monotonic() - began, "cpu": usage.ru_utime + usage.ru_stime, "rss": usage.ru_maxrss, "status": p.returncode}


def median(rows, key):
    return statistics.median(r[key] for r in rows)


def compare(name, contenders, runs, report):
    """contenders: {label: words or function}. Prints a row each, ratios against the first."""
    rows = {label: [] for label in contenders}
    for _ in range(runs):
        for label, words in contenders.items():
            rows[label].append(measure(words() if callable(words) else words))
    base = next(iter(contenders))
    for label in contenders:
        wall, cpu, rss = (median(rows[label], k) for k in ("wall", "cpu", "rss"))
        ratio, cpu_ratio = wall / median(rows[base], "wall"), cpu / median(rows[base], "cpu")
        bad = [r["status"] for r in rows[label] if r["status"]]
        print(f"{name:14} {label:22} {wall:8.2f} s {cpu:8.2f} s cpu  {ratio:6.2f} x wall {cpu_ratio:6.2f} x cpu"
              f" {rss // 1024:6d} MiB{f'  exit {bad}' if bad else ''}", flush=True)
        report.append({"workload": name, "contender": label, "wall": wall, "cpu": cpu, "wall_ratio": ratio, "cpu_ratio": cpu_ratio,
                       "rss_kib": rss, "runs": rows[label]})


def memtrace(rr, rec, folder, report, runs):
    """Rows a second into the finished database, bytes a row, query times."""
    db = os.path.join(folder, "bench.db")
    results = []
    for _ in range(runs):
        if os.path.exists(db):
            os.unlink(db)
        results.append(measure([rr, "replay", rec, "--quiet", "--analysis", "memtrace", "--db", db]))
    ask = lambda sql: subprocess.run([rr, "sql", "--format", "csv", db, sql], capture_output=True, text=True, check=True).stdout.splitlines()
    count = int(ask("SELECT rows FROM analysis WHERE name='memtrace'")[1])
    wall, size = median(results, "wall"), os.path.getsize(db)
    began = time.monotonic()
    scanned = int(ask("SELECT count(value) FROM memtrace")[1])
    scan = time.monotonic() - began
    print(f"memtrace       {count} rows, {count / wall / 1e6:.1f} M rows/s, {size / count:.2f} bytes/row, scan {scanned / scan / 1e6:.1f} M rows/s,"
          f" {median(results, 'rss') // 1024} MiB", flush=True)
    latencies = []
    for where in ("(SELECT paddr FROM memtrace ORDER BY pos DESC LIMIT 1)", "0x80200000+4096", "0x80000000+0x40000"):
        address = ask(f"SELECT {where}")[1]
        began = time.monotonic()
        rows = ask(f"SELECT pos, pc, value FROM write WHERE paddr = {address} ORDER BY pos DESC LIMIT 1")
        latencies.append((address, time.monotonic() - began))
    for address, seconds in latencies:
        print(f"last writer    {int(address):#x}: {seconds * 1000:.0f} ms (process start included)")
    report.append({"workload": "memtrace", "rows": count, "rows_per_s": count / wall, "bytes_per_row": size / count,
                   "scan_per_s": scanned / scan, "last_writer_ms": [s * 1000 for _, s in latencies], "rss_kib": median(results, "rss")})


def main():
    a = argparse.ArgumentParser()
    a.add_argument("rr")
    a.add_argument("--runs", type=int, default=5)
    a.add_argument("--json")
    a.add_argument("--only", nargs="*", default=[])
    a.add_argument("--guest", nargs=2, action="append", default=[], metavar=("NAME", "MACHINE"))
    a.add_argument("--qemu", action="append", default=[], help="label=path of another qemu-system-riscv64")
    a = a.parse_args()
    rr, report = os.path.abspath(a.rr), []
    build = os.path.dirname(os.path.dirname(rr))
    subprocess.run([os.path.join(TOP, "tests", "guests", "build.sh"), os.path.join(build, "guests")], check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    jobs = {name[:-5]: linux(name[:-5]) for name in sorted(os.listdir(os.path.join(TOP, "tests/guests/linux"))) if name.endswith(".init")}
    jobs["bench"] = bare("bench.elf", build)
    jobs.update({name: shlex.split(words) for name, words in a.guest})
    rivals = dict(q.split("=", 1) for q in a.qemu)
    chroot = os.path.join(TOP, ".cache", "qemu10")
    if os.path.exists(os.path.join(chroot, "usr/bin/qemu-system-riscv64")):
        rivals["qemu 10"] = Chroot(chroot)
    with tempfile.TemporaryDirectory(prefix="rr-emu-bench.") as folder:
        rec = os.path.join(folder, "r.rrec")
        for name, machine in jobs.items():
            if a.only and name not in a.only:
                continue
            if machine is None:
                print(f"{name:14} left out: the guest is missing")
                continue
            contenders = {"qemu 7.2 plain": ["qemu-system-riscv64"] + machine}
            for label, path in rivals.items():
                words = path.words(machine) if isinstance(path, Chroot) else shlex.split(path) + machine
                contenders[f"{label} plain"] = words
            contenders["rr-emu run"] = [rr, "run", "--quiet"] + machine
            contenders["rr-emu record"] = [rr, "record", "--quiet", "--force", "-o", rec] + machine
            contenders["rr-emu replay"] = [rr, "replay", "--quiet", rec]
            compare(name, contenders, a.runs, report)
            info = json.loads(subprocess.run([rr, "info", "--json", rec], capture_output=True, text=True).stdout)
            print(f"{name:14} log without images, checkpoints and console: {info['sizes']['events']} bytes, {info['end']['pos']} steps")
            if name == "boot":
                memtrace(rr, rec, folder, report, max(1, a.runs // 2))
    if a.json:
        with open(a.json, "w") as f:
            json.dump(report, f, indent=1)


main()
