"""Object files of the kernels, with facts about their families in a section of its own."""

import pathlib
import re
import struct
import subprocess
import tempfile

from modelled.machines import Instruction
from modelled.tools import Failure, run

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LAYOUT = struct.Struct("<8x16s6Q")  # kernels.cpp: product_facts


def architecture(compiler):
    """The macro that tells the architecture, as cmake/TernLevels.cmake names them."""
    try:
        triple = run(compiler + ["-dumpmachine"])
    except FileNotFoundError:
        raise Failure(f"{compiler[0]} is not in PATH", 77) from None
    for prefix, macro in (("aarch64", "__aarch64__"), ("arm64", "__aarch64__"), ("x86_64", "__x86_64__")):
        if triple.startswith(prefix):
            return macro
    raise Failure(f"{compiler[0]} compiles for {triple.strip()}; known are AArch64 and x86-64", 77)


def level_flags(macro):
    """{level: flags} of the levels of an architecture, as cmake/TernLevels.cmake has them."""
    script = f"""include("{ROOT / "cmake/TernLevels.cmake"}")
foreach(level ${{TERN_LEVELS}})
  set(macro "${{TERN_LEVEL_MACRO_${{level}}}}")
  message("${{level}}|${{macro}}|${{TERN_LEVEL_BASELINE_${{macro}}}};${{TERN_LEVEL_FLAGS_${{level}}}}")
endforeach()
"""
    with tempfile.NamedTemporaryFile("w", suffix=".cmake") as f:
        f.write(script)
        f.flush()
        try:
            lines = subprocess.run(["cmake", "-P", f.name], capture_output=True, text=True, check=True).stderr.split("\n")
        except FileNotFoundError:
            raise Failure("cmake is not in PATH", 77) from None
    rows = [line.split("|") for line in lines if line.count("|") == 2]
    return {level: [f for f in flags.split(";") if f] for level, found, flags in rows if found == macro}


def compile_level(compiler, level, flags, xsimd, folder):
    """Compiles the kernels of a level; `xsimd` is the folder that holds xsimd/xsimd.hpp, or None."""
    output = folder / f"{level}.o"
    command = compiler + ["-std=c++17", "-O3", "-DNDEBUG", f"-DTERN_TARGET={level}", *flags, f"-I{ROOT / 'include'}"]
    if xsimd:
        # A link, because the folder may hold other headers of another architecture.
        link = folder / "include" / "xsimd"
        link.parent.mkdir(exist_ok=True)
        if not link.exists():
            link.symlink_to(xsimd.resolve() / "xsimd")
        command += ["-isystem", str(link.parent)]
    run(command + ["-c", str(HERE / "kernels.cpp"), "-o", str(output)])
    return output


def read_products(objdump, obj):
    """A dictionary of product_facts for each family of the object, with the symbols of its largest tile and of all others: smaller
    tiles, and strips that have tiles of their own in them."""
    section = re.search(r"RECORDS FOR \[tern_model\]:\n(.*?)(?:\n\n|\Z)", run([objdump, "-r", obj]), re.S)
    if not section:
        raise Failure(f"{obj}: no relocations in section tern_model")
    relocations = re.findall(r"^([0-9a-f]+) \w+\s+(\S+?)(?:\+0x0)?$", section[1], re.M)
    data = bytearray()
    for line in run([objdump, "-s", "--section=tern_model", obj]).splitlines():
        row = re.match(r" [0-9a-f]+ ((?:[0-9a-f]{2,8} ?)+) ", line)
        if row:
            data += bytes.fromhex(row[1])
    symbols = set(re.findall(r"(?<!\S)_Z\w+$", run([objdump, "-t", obj]), re.M))
    products = []
    for offset, symbol in relocations:
        name, *values = LAYOUT.unpack_from(data, int(offset, 16))
        facts = dict(zip(("pixels", "channels", "step_channels", "step_bytes", "panel_step_bytes", "period"), values))
        # Templates of the same namespace mangle their argument, the product, alike.
        product = re.search(r"strip_of_sumsI(.*)EEvRK", symbol)[1]
        tiles = [s for s in symbols if f"14tile_to_memoryI{product}Lm" in s]
        largest = [s for s in tiles if f"I{product}Lm{facts['pixels']}EE" in s]
        if len(largest) != 1:
            raise Failure(f"{obj}: {len(largest)} tiles of {facts['pixels']} pixels for {symbol}")
        others = [s for s in symbols if f"18strip_in_registersI{product}" in s] + [s for s in tiles if s != largest[0]]
        products.append({"symbol": largest[0], "others": sorted(others), "name": name.rstrip(b"\0").decode(), **facts})
    return products


def read_function(objdump, obj, symbol):
    """The instructions of a function."""
    text = run([objdump, "-d", "--no-show-raw-insn", f"--disassemble-symbols={symbol}", obj])
    found = re.findall(r"^\s*([0-9a-f]+):\s+(\S.*)$", text, re.M)
    if not found:
        raise Failure(f"{obj} has no code for {symbol}")
    return [Instruction(int(a, 16), t) for a, t in found]
