# SPDX-License-Identifier: Apache-2.0
"""Counts instructions, system calls and allocations of what a program surrounds with a meter (bench/harness.hpp).

Callgrind writes one file for each dump that the program asks for, named by "NAME|MESSAGES". An allocation is a call of one of
the C library's functions; operator new ends there, too."""

import glob
import os
import re
import subprocess
import tempfile

ALLOCATORS = {"malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign", "memalign", "reallocarray"}
# Elsewhere than in valgrind, reading the clock is no system call.
CLOCKS = {"clock_gettime", "gettimeofday", "time"}

# Callgrind takes `rep movsb` for one instruction a byte: let memcpy of large blocks use vectors, as that of small ones does.
TUNABLES = "glibc.cpu.x86_rep_movsb_threshold=1073741824:glibc.cpu.x86_rep_stosb_threshold=1073741824"


def dumps(command):
    """Runs `command` under callgrind: a list of (name, messages, counts), counts being a dict of whole numbers."""
    with tempfile.TemporaryDirectory(prefix="natsproto-callgrind-") as folder:
        full = ["valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no", "--collect-systime=yes",
                "--callgrind-out-file=" + os.path.join(folder, "out.%p"), *command]
        done = subprocess.run(full, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env={**os.environ, "GLIBC_TUNABLES": TUNABLES})
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(full)}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
        files = glob.glob(os.path.join(folder, "out.*.*"))
        order = sorted(files, key=lambda f: [int(n) for n in re.findall(r"\d+", os.path.basename(f))])
        found = [read(f) for f in order]
    return [d for d in found if d is not None]


def read(path):
    """One file: (name, messages, counts), or None if the program did not ask for it."""
    name = None
    messages = 0
    events = []
    totals = []
    functions = {}
    function = callee = None
    skip = False  # the line behind calls= is what the callee costs
    clock_reads = 0
    allocations = 0
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("desc: Trigger: Client Request: "):
                name, _, text = line.rstrip("\n").partition("Client Request: ")[2].rpartition("|")
                messages = int(text)
            elif line.startswith("events: "):
                events = line.split()[1:]
            elif line.startswith(("totals: ", "summary: ")):
                totals = [int(n) for n in line.split()[1:]]
            elif line.startswith(("fn=", "cfn=")):
                named = compressed(line.rstrip("\n").partition("=")[2], functions)
                if line.startswith("cfn="):
                    callee = named
                else:
                    function = named
            elif line.startswith("calls="):
                skip = True
                if callee in ALLOCATORS:
                    allocations += int(line[len("calls="):].split()[0])
            elif line[0].isdigit() or line[0] in "+-*":
                costs = line.split()
                if not skip and function in CLOCKS and len(costs) > 2:
                    clock_reads += int(costs[2])  # position, Ir, sysCount
                skip = False
    if name is None:
        return None
    counts = dict(zip(events, totals))
    return name, messages, {"instructions": counts.get("Ir", 0), "system calls": counts.get("sysCount", 0) - clock_reads,
                            "allocations": allocations}


def compressed(text, names):
    """The name of "(ID) NAME", which later stands as "(ID)"; without the clones and versions that compilers add."""
    match = re.match(r"\((\d+)\)(?: (.*))?$", text)
    if match is None:
        return text
    if match[2] is not None:
        names[match[1]] = re.split(r"[@'.]", match[2])[0]
    return names.get(match[1], "")
