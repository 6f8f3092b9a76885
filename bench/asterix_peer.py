"""The other side of bench/asterix_oracle.py: runs where libasterix is installed, and knows nothing of skywarden.

    asterix_peer.py records CATEGORY COUNT SEED   one JSON line a record: its bytes, and each item's fields in order
    asterix_peer.py speed < payloads              records a second that it parses; each line a payload in hexadecimal

A field is [name, whole number, value, unit]; value is null where libasterix has none but the number.
"""

import json
import sys
import time
from random import Random

import asterix.base as base
import asterix.generated as generated

CATEGORIES = {
    34: generated.Cat_034_1_29,
    48: generated.Cat_048_1_32,
    62: generated.Cat_062_1_20,
    65: generated.Cat_065_1_6,
}
EVERY = 0.05  # of the records have all items


class Maker:
    """Random content for any layout."""

    def __init__(self, seed):
        self.random = Random(seed)

    def record(self, cls):
        items = [i.cv_non_spare for i in cls.cv_items_list if issubclass(i, base.UapItem)]
        share = 1.0 if self.random.random() < EVERY else self.random.random()
        chosen = [i for i in items if self.random.random() <= share] or [self.random.choice(items)]
        return cls.create({i.cv_name: self.non_spare(i) for i in chosen})

    def non_spare(self, item):
        rule = item.cv_rule
        return self.variation(rule.cv_variation)

    def variation(self, v):
        if issubclass(v, base.Element):
            return self.element(v)
        if issubclass(v, base.Group):
            return tuple(self.part(i) for i, _ in v.cv_items_list)
        if issubclass(v, base.Extended):
            length = self.random.randint(1, len(v.cv_items_list))
            return [tuple(None if i is None else self.part(i[0]) for i in part) for part in v.cv_items_list[:length]]
        if issubclass(v, base.Repetitive):
            low = 1 if v.cv_rep_bytes is None else 0
            return [self.variation(v.cv_variation) for _ in range(self.random.randint(low, 4))]
        if issubclass(v, base.Explicit):
            return self.random.randbytes(self.random.randint(0, 6))
        share = 1.0 if self.random.random() < EVERY else self.random.random()
        subs = [i for i in v.cv_items_list if i is not None]
        chosen = [i for i in subs if self.random.random() <= share] or [self.random.choice(subs)]
        return {i.cv_name: self.non_spare(i) for i in chosen}

    def part(self, item):
        return 0 if issubclass(item, base.Spare) else self.non_spare(item.cv_non_spare)

    def element(self, v):
        content = getattr(v.cv_rule, "cv_content", None)
        kind = getattr(content, "cv_string_type", None)
        if kind is base.StringICAO:
            text = "".join(
                self.random.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ") for _ in range(v.cv_bit_size // 6)
            )
            return kind.from_string(v.cv_bit_size, text)
        if kind is base.StringAscii:
            return int.from_bytes(bytes(self.random.randint(32, 126) for _ in range(v.cv_bit_size // 8)), "big")
        edge = self.random.random()  # the ends of the range more often than chance would have them
        top = (1 << v.cv_bit_size) - 1
        return 0 if edge < 0.05 else top if edge < 0.1 else top // 2 + 1 if edge < 0.12 else self.random.randint(0, top)


def fields(name, variation, seen, out):
    """Append every field under a parsed variation, in order."""
    if isinstance(variation, base.Element):
        out.append([name, variation.as_uint(), *value(variation, seen)])
        seen[name] = variation.as_uint()
    elif isinstance(variation, base.Group | base.Extended):
        parts = [variation.arg] if isinstance(variation, base.Group) else variation.arg
        for item in (i for part in parts for i in part if isinstance(i, base.Item)):
            fields(item.arg.cv_name, item.arg.arg.arg, seen, out)
    elif isinstance(variation, base.Repetitive):
        for element in variation.arg:
            fields(name, element, {}, out)
    elif isinstance(variation, base.Explicit):
        out.append([name, None, variation.get_bytes().hex(), ""])
    else:
        subs = [sub for sub in variation.cv_items_list if sub is not None and sub.cv_name in variation.arg]
        for sub in subs:
            fields(sub.cv_name, variation.arg[sub.cv_name].arg.arg, {}, out)


def value(element, seen):
    rule = element._get_rule()
    if isinstance(rule, base.RuleContentDependent):
        content = rule._get_content([seen[path[-1]] for path in rule.cv_depends_on])
    else:
        content = rule._get_content()
    if isinstance(content, base.ContentQuantity):
        return content._as_quantity(), content.cv_unit
    if isinstance(content, base.ContentInteger):
        return content.as_integer(), ""
    if isinstance(content, base.ContentString):
        return content.as_string(), ""
    return None, ""


def records(category, count, seed):
    cls = CATEGORIES[category].cv_uap.cv_record
    maker = Maker(seed)
    for _ in range(count):
        made = maker.record(cls).unparse().to_bytes()
        parsed, rest = cls.parse(base.ParsingMode.StrictParsing, base.Bits.from_bytes(made))
        assert len(rest) == 0
        items = {}
        for name, item in parsed.items_regular.items():
            items[name] = []
            fields(name, item.arg.arg, {}, items[name])
        print(json.dumps({"hex": made.hex(), "items": items}))


def speed():
    payloads = [bytes.fromhex(line) for line in sys.stdin.read().split()]
    start, count = time.process_time(), 0
    for payload in payloads:
        for block in base.RawDatablock.parse(base.Bits.from_bytes(payload)):
            count += len(CATEGORIES[block.get_category()].cv_uap.parse(block.get_raw_records()))
    print(count / (time.process_time() - start))


if __name__ == "__main__":
    if sys.argv[1] == "speed":
        speed()
    else:
        records(*map(int, sys.argv[2:5]))
