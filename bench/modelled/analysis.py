"""llvm-mca on the loops."""

import re

from modelled.tools import run


class Analyzer:
    """llvm-mca for one core. A region is a list of lines."""

    def __init__(self, program, machine, core):
        self.command = [program, f"-mtriple={machine.triple}", f"-mcpu={core}", "-instruction-info=0",
                        "-resource-pressure=0"]
        self.machine = machine

    def _run(self, regions, iterations):
        text = ""
        for name, lines in regions.items():
            text += f"# LLVM-MCA-BEGIN {name}\n" + "\n".join(lines)
            text += "\n# LLVM-MCA-END\n"
        out = run(self.command + [f"-iterations={iterations}"], text)
        found = re.findall(r"Code Region - (\S+).*?Total Cycles:\s+(\d+)", out, re.S)
        return {name: int(cycles) for name, cycles in found}

    def cycles(self, regions, few, many):
        """Cycles per iteration of each region in the steady state."""
        if not regions:
            return {}
        first, second = self._run(regions, few), self._run(regions, many)
        return {name: (second[name] - first[name]) / (many - few) for name in regions}

    def report(self, lines):
        """Everything llvm-mca says of one region."""
        return run(self.command[:3] + ["-bottleneck-analysis", "-iterations=300"], "\n".join(lines) + "\n")


def rates(analyzer, loops):
    """MAC/cycle of loops, each (with emptying, bare, peak). None: not known; for other loops than int8's, no peak."""
    bare, periods, peaks = {}, {}, {}
    for i, loop in enumerate(loops):
        if loop.rolled:
            continue
        bare[f"loop{i}"] = [ins.line for ins in loop.code]
        if loop.period and loop.in_a_period():
            periods[f"loop{i}"] = [ins.line for ins in loop.in_a_period()[0]]
        work = [ins for ins in loop.code if analyzer.machine.arithmetic.match(ins.mnemonic)]
        if loop.name == "dot" and work:
            peaks[f"loop{i}"] = [analyzer.machine.independent(ins, k) for k, ins in enumerate(work)]
    bare, peaks, periods = analyzer.cycles(bare, 100, 300), analyzer.cycles(peaks, 100, 300), analyzer.cycles(periods, 2, 6)
    result = []
    for i, loop in enumerate(loops):
        name, mac = f"loop{i}", loop.steps * loop.mac
        if loop.rolled:
            result.append((None, None, None))
            continue
        rate = mac / bare[name]
        with_emptying = None if loop.period else rate
        if name in periods:
            with_emptying = loop.in_a_period()[1] * loop.mac / periods[name]
        result.append((with_emptying, rate, mac / peaks[name] if name in peaks else None))
    return result
