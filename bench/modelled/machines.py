"""What assembly code of AArch64 and x86-64 does to registers, as far as the model must know."""

import re


class Instruction:
    """A line of llvm-objdump."""

    def __init__(self, address, text):
        self.address = address
        self.text = re.sub(r"\s*<.*>$", "", re.sub(r"\s*(//|# imm =|# 0x).*", "", text)).strip()
        self.mnemonic, _, rest = re.sub(r"^\{vex\}\s+", "", self.text).replace("\t", " ").partition(" ")
        self.operands = [o.strip() for o in re.split(r",(?![^\[({]*[\])}])", rest) if o.strip()]

    target = property(lambda self: int(self.operands[-1], 16) if self.is_branch and self.operands
                      and re.fullmatch(r"0x[0-9a-f]+", self.operands[-1]) else None)
    is_branch = property(lambda self: bool(re.fullmatch(r"b(\..+)?|cbn?z|tbn?z|ret|br|j\w+|ret[ql]?", self.mnemonic)))
    is_last = property(lambda self: self.mnemonic in ("b", "br", "ret", "retq", "jmp"))
    # For llvm-mca: targets are labels that nobody defines.
    line = property(lambda self: self.text.replace(self.operands[-1], ".Ltarget") if self.target is not None
                    else re.sub(r"(\badrp\s+\w+, ).*", r"\1.Ltarget", self.text))


class AArch64:
    """Registers are named x0 to x30 and sp."""

    stack, triple = {"sp"}, "aarch64"
    # What int8 products are made of.
    arithmetic = re.compile(r"(s|u|us|su)(dot|mmla)$|[su](mull2?|mlal2?|adalp)$")
    # What moves vectors and computes none.
    moves = re.compile(r"ld|st|mov")
    copy = re.compile(r"mov\s+v\d+\.16b, v\d+\.16b")
    vector = re.compile(r"\b[vq]\d+\b")

    @staticmethod
    def register(name):
        """The name that stands for the whole register."""
        return re.sub(r"^w(\d+|zr)$", r"x\1", name.strip())

    @classmethod
    def bases(cls, ins):
        """Registers that addresses are made of."""
        return [cls.register(r) for r in re.findall(r"\[(\w+)", ins.text)]

    @classmethod
    def moves_vectors(cls, ins):
        """Whether the instruction reads vectors from memory or writes them."""
        return bool(cls.bases(ins) and cls.vector.search(ins.text))

    @classmethod
    def written(cls, ins):
        """General registers that the instruction writes, as far as they matter here."""
        if ins.is_branch or re.match(r"cmp|cmn|tst|ccm|st|prf|nop", ins.mnemonic):
            return []
        return [cls.register(o) for o in ins.operands[: 2 if ins.mnemonic in ("ldp", "ldpsw") else 1]]

    @classmethod
    def derived(cls, ins, stack):
        """Whether the result points into the stack if the registers of `stack` do."""
        return bool(re.fullmatch(r"mov|add|sub|and", ins.mnemonic)) and cls.register(ins.operands[1]) in stack

    @classmethod
    def increments(cls, ins):
        """(register, constant added), or None."""
        step = re.search(r"\[(\w+)\], #(-?\w+)$|\[(\w+), #(-?\w+)\]!$", ins.text)
        if step:
            return step[1] or step[3], int(step[2] or step[4], 0)
        step = re.fullmatch(r"(add|sub)\s+(\w+), (\w+), #(\w+)(, lsl #12)?", ins.text)
        if step and step[2] == step[3]:
            value = int(step[4], 0) << (12 if step[5] else 0)
            return step[2], value if step[1] == "add" else -value
        return None

    @staticmethod
    def independent(ins, i):
        """The instruction with registers that nothing waits for."""
        fresh = [24 + i % 8, 24 + (i + 3) % 8]
        parts = [re.sub(r"\bv\d+", f"v{r}", o) for r, o in zip([i % 24, *fresh], ins.operands)]
        return f"{ins.mnemonic} {', '.join(parts)}"


class X86:
    """AT&T syntax; registers are named by their 64 bits, without the %."""

    stack, triple = {"rsp"}, "x86_64"
    arithmetic = re.compile(r"v?p(dpbusds?|maddubsw|maddwd|addd)$")
    moves = re.compile(r"v?mov|rep|v?pxor")
    copy = re.compile(r"v?mov(dq|ap)\w*\s+%[xyz]mm\d+, %[xyz]mm\d+$")
    vector = re.compile(r"%[xyz]mm")

    @staticmethod
    def register(name):
        """The name that stands for the whole register."""
        name = name.strip().lstrip("%")
        name = re.sub(r"^(r\d+)[dwb]$", r"\1", name)
        return re.sub(r"^e?([abcd]x|[sd]i|[sb]p)$", r"r\1", name)

    @classmethod
    def bases(cls, ins):
        """Registers that addresses are made of."""
        if ins.mnemonic.startswith("lea") or "(" not in ins.text:
            return []
        memory = ins.text[ins.text.index("(") :]
        return [cls.register(r) for r in re.findall(r"[(,](%\w+)", memory)]

    @classmethod
    def moves_vectors(cls, ins):
        """Whether the instruction reads vectors from memory or writes them, and not a number."""
        return bool(cls.bases(ins) and cls.vector.search(ins.text)) and not re.fullmatch(r"v?mov[dq]", ins.mnemonic)

    @classmethod
    def written(cls, ins):
        """General registers that the instruction writes, as far as they matter here."""
        if ins.is_branch or not ins.operands or re.match(r"cmp|test|push", ins.mnemonic):
            return []
        return [cls.register(ins.operands[-1])] if ins.operands[-1].startswith("%") else []

    @classmethod
    def derived(cls, ins, stack):
        """Whether the result points into the stack if the registers of `stack` do."""
        if ins.mnemonic.startswith("lea"):
            return any(cls.register(r) in stack for r in re.findall(r"%\w+", ins.operands[0]))
        if re.match(r"(add|sub|and)[ql]?$", ins.mnemonic):
            return cls.register(ins.operands[-1]) in stack
        return bool(re.match(r"mov[ql]?$", ins.mnemonic)) and cls.register(ins.operands[0]) in stack

    @classmethod
    def increments(cls, ins):
        """(register, constant added), or None."""
        step = re.fullmatch(r"(add|sub)q\s+\$(-?\w+), %(\w+)", ins.text)
        if step:
            return step[3], int(step[2], 0) * (1 if step[1] == "add" else -1)
        step = re.fullmatch(r"leaq\s+(-?\w+)\(%(\w+)\), %(\w+)", ins.text)
        if step and step[2] == step[3]:
            return step[2], int(step[1], 0)
        step = re.fullmatch(r"(inc|dec)q\s+%(\w+)", ins.text)
        return (step[2], 1 if step[1] == "inc" else -1) if step else None

    @staticmethod
    def independent(ins, i):
        """The instruction with registers that nothing waits for."""
        width = re.search(r"%([xyz])mm", ins.text)[1]
        count = len(ins.operands)
        numbers = [12 + (i + k) % 4 for k in range(count - 1)] + [i % 12]
        prefix = "{vex} " if "{vex}" in ins.text else ""
        return f"{prefix}{ins.mnemonic} {', '.join(f'%{width}mm{n}' for n in numbers)}"


MACHINES = {"__aarch64__": AArch64, "__x86_64__": X86}
