"""Loops over steps of kernels that finish sums in registers keep to registers.

    registers.py OBJDUMP OBJECT...     of objects, those called kernels_avx512_icl*
    registers.py OBJDUMP LISTING.txt   what `objdump -d -C` has printed

An innermost loop that counts bits may not read or write vectors on the stack. Prints every one that does, and fails;
fails as well where there are no such loops to look at.
"""
import re
import subprocess
import sys


def functions(listing):
    name, lines = None, []
    for line in listing.splitlines():
        start = re.match(r"[0-9a-f]+ <(.*)>:$", line)
        if start:
            if name:
                yield name, lines
            name, lines = start[1], []
        elif name and re.match(r"\s*[0-9a-f]+:\t", line):
            lines.append(line)
    if name:
        yield name, lines


def innermost_loops(lines):
    """Instructions between a jump backwards and where it leads, without such jumps between."""
    place = {re.match(r"\s*([0-9a-f]+):", line)[1]: i for i, line in enumerate(lines)}
    jumps = {}
    for i, line in enumerate(lines):
        jump = re.search(r"\tj\w+\s+([0-9a-f]+)\b", line)
        if jump and place.get(jump[1], i) < i:
            jumps[i] = place[jump[1]]
    for end, begin in jumps.items():
        if not any(begin <= j < end and begin <= jumps[j] for j in jumps if j != end):
            yield lines[begin : end + 1]


def main(objdump, paths):
    looked_at = found = 0
    for path in paths:
        if path.endswith(".txt"):
            with open(path) as f:
                listing = f.read()
        elif "kernels_avx512_icl" in path:
            command = [objdump, "-d", "-C", "--no-show-raw-insn", path]
            listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        else:
            continue
        for name, lines in functions(listing):
            if "strip_in_registers<" not in name:
                continue
            for loop in innermost_loops(lines):
                if not any("vpopcnt" in line for line in loop):
                    continue
                looked_at += 1
                stack = [line for line in loop if re.search(r"[xyz]mm\d", line) and re.search(r"\(%r[sb]p\)", line)]
                if stack:
                    found += 1
                    print(f"{name}\nhas {len(stack)} of {len(loop)} instructions with vectors on the stack:")
                    print("\n".join(stack))
    print(f"{looked_at} loops, {found} with vectors on the stack")
    return 0 if looked_at and not found else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
