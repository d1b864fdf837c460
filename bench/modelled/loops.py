"""Loops of a function, and the step loop of a tile."""

from modelled.tools import Failure


class Function:
    """Basic blocks, loops and which registers point into the stack."""

    def __init__(self, code, machine):
        self.machine = machine
        index = {ins.address: i for i, ins in enumerate(code)}
        starts = {0}
        for i, ins in enumerate(code):
            if ins.is_branch:
                starts.add(i + 1)
                if ins.target in index:
                    starts.add(index[ins.target])
        starts = sorted(s for s in starts if s < len(code))
        self.blocks = [code[a:b] for a, b in zip(starts, starts[1:] + [len(code)])]
        number = {s: i for i, s in enumerate(starts)}
        self.successors = []
        for i, block in enumerate(self.blocks):
            last = block[-1]
            next_blocks = {number[index[last.target]]} if last.target in index else set()
            if not last.is_last and i + 1 < len(self.blocks):
                next_blocks.add(i + 1)
            self.successors.append(next_blocks)
        self.predecessors = [{p for p, s in enumerate(self.successors) if b in s} for b in range(len(self.blocks))]
        self.loops = self._find_loops()
        self.stack_before = self._find_stack_pointers()

    def _find_loops(self):
        """Natural loops, as {header: blocks}."""
        reached, pending = {0}, [0]  # not all: there is padding
        while pending:
            new = self.successors[pending.pop()] - reached
            reached |= new
            pending += new
        dominators = {b: reached for b in reached}
        dominators[0] = {0}
        changed = True
        while changed:
            changed = False
            for b in reached - {0}:
                now = set.intersection(*(dominators[p] for p in self.predecessors[b] & reached)) | {b}
                if now != dominators[b]:
                    dominators[b], changed = now, True
        loops = {}
        for b in reached:
            for header in self.successors[b] & dominators[b]:
                body, open_blocks = loops.setdefault(header, {header}), [b]
                while open_blocks:
                    block = open_blocks.pop()
                    if block not in body:
                        body.add(block)
                        open_blocks += self.predecessors[block] & reached
        return loops

    def _find_stack_pointers(self):
        """Per block: registers that may point into the stack where it begins."""
        before = [set() for _ in self.blocks]
        before[0] = set(self.machine.stack)
        pending = list(range(len(self.blocks)))
        while pending:
            b = pending.pop(0)
            after = set(before[b])
            for ins in self.blocks[b]:
                self._step(ins, after)
            for s in self.successors[b]:
                if not after <= before[s]:
                    before[s] |= after
                    pending.append(s)
        return before

    def _step(self, ins, stack):
        derived = len(ins.operands) > 1 and not ins.is_branch and self.machine.derived(ins, stack)
        for r in self.machine.written(ins):
            if derived:
                stack.add(r)
            elif r not in self.machine.stack:
                stack.discard(r)

    def step_loop(self):
        """The blocks of the step loop that does the work (the deepest, then the longest), and in how many it is."""

        def depth(header):
            return sum(self.loops[header] <= body for body in self.loops.values())

        steps = [h for h in self.inner_loops() if self._steps_on(self.loops[h])]
        if not steps:
            raise Failure("a tile without a step loop")
        best = max(steps, key=lambda h: (depth(h), sum(len(self.blocks[b]) for b in self.loops[h])))
        return self.loops[best], depth(best)

    def inner_loops(self):
        """Headers of the loops that have no other in them."""
        return [h for h, body in self.loops.items() if not any(other < body for other in self.loops.values())]

    def step_loops(self):
        """Stack references of the step loops that compute with vectors."""
        for h in self.inner_loops():
            body = self.loops[h]
            if self._steps_on(body) and self._computing(self.code(body)) > 4:
                yield self.stack_references(body)

    def _steps_on(self, body):
        """Whether a loop walks through memory: it moves pointers and has vectors from outside of the stack. Others empty sums, or
        belong to runs of no steps."""
        code, stack = self.code(body), self.stack_references(body)
        return any(self.machine.increments(ins) for ins in code) and any(
            self.machine.moves_vectors(ins) and ins not in stack for ins in code)

    def emptying(self, inner):
        """What the enclosing loop does between two runs of an inner loop: of its paths that compute most, the shortest, which
        leaves out what happens once a tile. None if nothing encloses it, or that is a loop itself, whose number of passes is not known."""
        header = next(h for h, body in self.loops.items() if body == inner)
        for body in sorted((body for body in self.loops.values() if inner < body), key=len):
            paths = [path for b in inner for s in (self.successors[b] & body) - inner for path in self._paths(s, header, body)]
            codes = [[ins for b in path for ins in self.blocks[b]] for path in paths]
            best = max(codes, key=lambda code: (self._computing(code), -len(code)), default=[])
            if self._computing(best) == 0:
                continue
            if any(other < body and other & set(paths[codes.index(best)]) for other in self.loops.values()):
                return None
            return best
        return None

    def _paths(self, start, end, allowed):
        """Ways from a block to another that visit no block twice; without the last block."""
        open_paths, found = [[start]], []
        while open_paths:
            path = open_paths.pop()
            for s in self.successors[path[-1]] & allowed:
                if s == end:
                    found.append(path)
                elif s not in path:
                    open_paths.append(path + [s])
        return found

    def _computing(self, code):
        machine = self.machine
        return sum(bool(machine.vector.search(i.text)) and not machine.moves.match(i.mnemonic) for i in code)

    def code(self, blocks):
        """The instructions of some blocks, in the order of their addresses."""
        return [ins for b in sorted(blocks) for ins in self.blocks[b]]

    def stack_references(self, blocks):
        """The instructions of some blocks that read or write the stack."""
        found = []
        for b in sorted(blocks):
            stack = set(self.stack_before[b])
            for ins in self.blocks[b]:
                if any(r in stack for r in self.machine.bases(ins)):
                    found.append(ins)
                self._step(ins, stack)
        return found


class TileLoop:
    """The step loop of a family's largest tile; `facts` as objects.read_products gives them."""

    def __init__(self, facts, function):
        blocks, depth = function.step_loop()
        self.name = facts["name"]
        # A pass per pair of planes; the second are bits by table.
        self.is_bits = self.name in ("bits", "lookup_bits")
        self.shape = f"{facts['pixels']} x {facts['channels']}"
        self.mac = facts["pixels"] * facts["channels"] * facts["step_channels"]  # of a step
        self.period = facts["period"]
        self.code = function.code(blocks)
        self.stack = function.stack_references(blocks)
        self.copies = sum(bool(function.machine.copy.match(ins.text)) for ins in self.code)
        # Pairs of planes, runs, periods, steps; if there is more, the compiler has not unrolled the tile.
        self.rolled = depth > 2 + bool(self.period) + self.is_bits
        self.emptying = function.emptying(blocks) if self.period else []
        self.steps = 0 if self.rolled else self._steps(facts, function.machine)

    def _steps(self, facts, machine):
        """Steps per iteration, from how far the pointers go."""
        totals = {}
        for ins in self.code:
            step = machine.increments(ins)
            if step:
                totals[step[0]] = totals.get(step[0], 0) + step[1]
        for unit in (facts["panel_step_bytes"], facts["step_bytes"]):
            counts = {abs(v) // unit for v in totals.values() if v and v % unit == 0}
            if counts:
                return min(counts)
        raise Failure(f"no pointer of the loop moves by whole steps: {totals}")

    def in_a_period(self):
        """The instructions of a period and the steps it has; None where that is not known."""
        if not self.period:
            return self.code, self.steps
        if self.emptying is None:
            return None
        iterations = max(1, self.period // self.steps)
        return self.code * iterations + self.emptying, iterations * self.steps
