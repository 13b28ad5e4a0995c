"""CPython's side of TestPicklePeer.

peer.py make     writes one case per line: name, protocol, pickle (base64)
peer.py check    reads name, protocol, pickle; says for each whether it loads as the value of that name
"""
import base64
import datetime as dt
import decimal
import pickle
import random
import sys
import uuid

# The C pickler remembers strings by identity, ours by content: equal ones must be the same object here.
seen = {}


def one(value):
    return seen.setdefault((type(value), value), value)


def some(rnd, depth):
    kind = rnd.randrange(14 if depth else 9)
    if kind < 9:
        return rnd.choice([
            lambda: None,
            lambda: rnd.random() < 0.5,
            lambda: rnd.randrange(-300, 70000),
            lambda: rnd.randrange(-2**40, 2**40),
            lambda: rnd.choice([1, -1]) * 2 ** rnd.randrange(2100) + rnd.randrange(-2, 3),
            lambda: rnd.uniform(-1e9, 1e9),
            lambda: one("".join(chr(rnd.choice([65, 92, 10, 0xE9, 0x4F60, 0x1F512, 0xD800])) for _ in range(rnd.randrange(300)))),
            lambda: one(bytes(rnd.randrange(256) for _ in range(rnd.randrange(300)))),
            lambda: dt.datetime(2030, 1, 2, 3, 4, 5, rnd.randrange(2, 10**6), tzinfo=dt.timezone.utc),
        ])()
    items = [some(rnd, depth - 1) for _ in range(rnd.randrange(6))]
    if kind == 9:
        return tuple(items)
    if kind == 10:
        return [items, items] if rnd.random() < 0.3 else items
    if kind == 11:
        return {rnd.randrange(100) for _ in range(rnd.randrange(6))}
    if kind == 12:
        return frozenset(rnd.randrange(100) for _ in range(rnd.randrange(6)))
    return {one("k%d" % i): v for i, v in enumerate(items)}


def values():
    zone = dt.timezone(dt.timedelta(hours=5, minutes=30), "IST")
    shared = ["x"]
    yield "datetimes", {
        "a": dt.datetime(2030, 1, 2, 3, 4, 5, 678901), "b": dt.datetime(2030, 1, 2, 3, tzinfo=zone),
        "c": dt.datetime(2031, 1, 2, 4, tzinfo=zone), "d": dt.date(2020, 2, 29), "e": dt.time(1, 2, 3, tzinfo=dt.timezone.utc),
        "f": dt.timedelta(-1, 2, 3), "g": zone, "h": dt.time(4, 5), "i": dt.timedelta(days=999999),
    }
    yield "decimals", {"a": decimal.Decimal("1.50"), "b": decimal.Decimal("NaN"), "c": decimal.Decimal("-1E+20")}
    yield "uuids", {"a": uuid.UUID(int=5), "b": uuid.UUID(int=2**128 - 1), "c": uuid.UUID(int=7, is_safe=uuid.SafeUUID.safe)}
    yield "bytes", {"a": b"", "b": b"abc\xff", "c": bytes(300)}
    yield "sets", {"a": set(), "b": {1, 2}, "c": frozenset(), "d": frozenset([3]), "e": set(range(1000)), "f": set(range(2001))}
    yield "tuples", {"a": (), "b": (1,), "c": (1, 2), "d": (1, 2, 3), "e": (1, 2, 3, 4), "f": ((), ((),)), (1, "k"): None}
    yield "ints", {"a": [0, 255, 256, 65535, 65536, -1, 2**31 - 1, 2**31, -2**31, -2**31 - 1, 2**39, -2**39, -2**39 - 1, 2**63, -2**63, 2**2031, 2**2040, -2**2039, -2**2040, 10**4299]}
    yield "floats", {"a": [0.0, -0.0, 1.5, float("inf"), float("-inf"), 5e-324]}
    yield "keys", {1: "a", 2.5: "b", None: "c", b"x": "d", dt.date(2020, 1, 1): "e", frozenset([1]): "f"}
    yield "shared", {"a": shared, "b": shared, "c": (shared, shared), "d": {"k": shared}}
    yield "batches", {"l%d" % n: list(range(n)) for n in (1, 2, 999, 1000, 1001, 2000, 2001)}
    yield "dict999", {str(n): n for n in range(999)}
    yield "dict1000", {str(n): n for n in range(1000)}
    yield "dict2000", {str(n): n for n in range(2000)}
    yield "long_memo", {"k": [["x"] for n in range(300)] + [shared] * 3}
    yield "big_texts", {"a": "x" * 65535, "b": "y" * 65536, "c": "z" * 70000, "d": ["w" * 300] * 3, "e": b"v" * 65536}
    yield "frames", {"k%d" % n: "v%04d" % n * 20 for n in range(2000)}
    rnd = random.Random(1)
    for n in range(200):
        yield "random%d" % n, {one("k%d" % i): some(rnd, 4) for i in range(rnd.randrange(8))}


if sys.argv[1] == "make":
    for name, value in values():
        for protocol in range(6):
            print(name, protocol, base64.b64encode(pickle.dumps(value, protocol)).decode())
else:
    known = dict(values())
    for line in sys.stdin:
        name, protocol, data = line.split(" ")
        got = pickle.loads(base64.b64decode(data))
        same = repr(got) == repr(known[name]) or (got == known[name] and list(got) == list(known[name]))
        print(name, protocol, "same" if same else "different: %.300r" % (got,))
