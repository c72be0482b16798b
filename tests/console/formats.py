#!/usr/bin/env python3
"""Every list and show in every form, read back by parsers that are not ours, against a running system.

    formats.py SUITE     forms, choosing, hostile, terminal, follow or watch

Each line of its output is TAP.  PIZZACTL, PIZZA_HOME and PIZZA_PORT_BASE say where the system is, ORDER is an order that
was paid.  What it needs beside the standard library is python3-yaml.
"""
import csv
import fcntl
import io
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unicodedata

import yaml

CTL = os.environ["PIZZACTL"]
ORDER = os.environ["ORDER"]
ENV = {**os.environ, "PIZZA_PAGER": "cat", "TERM": "xterm", "LC_ALL": "C.UTF-8"}
for name in ("COLUMNS", "LINES", "NO_COLOR"):
    ENV.pop(name, None)


def run(*argv, timeout=60, **more):
    return subprocess.run([CTL, *argv], capture_output=True, timeout=timeout, env=ENV, stdin=subprocess.DEVNULL, **more)


def ctl(*argv, status=0):
    done = run(*argv)
    assert done.returncode == status, f"{argv}: status {done.returncode}, not {status}: {done.stderr.decode()}"
    return done.stdout.decode()


def rows_of(*argv):
    got = json.loads(ctl(*argv, "-q", "-o", "json"))
    return got if isinstance(got, list) else [got]


# --- every form ---

STABLE = True  # asked twice, it says the same
MOVING = False


def commands():
    payment = rows_of("payment", "ls", "--where", f"order_id = {ORDER}")[0]["payment_id"]
    message = rows_of("notify", "ls", "--limit", "1")[0]["notification_id"]
    return [
        (STABLE, "order", "ls", "--limit", "20"),
        (STABLE, "order", "show", ORDER),
        (STABLE, "saga", "show", ORDER),
        (MOVING, "saga", "ls", "--limit", "20"),
        (MOVING, "kpi"),
        (STABLE, "menu", "ls"),
        (STABLE, "menu", "show", "margherita"),
        (STABLE, "inventory", "ls"),
        (STABLE, "inventory", "show", "mozzarella"),
        (STABLE, "inventory", "reservations", "--limit", "20"),
        (STABLE, "payment", "ls", "--limit", "20"),
        (STABLE, "payment", "show", payment),
        (STABLE, "notify", "ls", "--limit", "20"),
        (STABLE, "notify", "show", message),
        (STABLE, "notify", "templates"),
        (MOVING, "topic", "ls"),
        (MOVING, "topic", "show", "order-events"),
        (STABLE, "topic", "tail", "menu-events", "-n", "3"),
        (MOVING, "lag"),
        (MOVING, "lag", "--by", "partition"),
        (MOVING, "outbox", "status"),
        (MOVING, "outbox", "ls"),
        (MOVING, "sandbox", "show"),
        (MOVING, "sandbox", "ledger"),
        (MOVING, "kitchen", "status"),
        (MOVING, "kitchen", "tickets", "--state", "all", "--limit", "20"),
        (MOVING, "hw", "ls"),
        (MOVING, "hw", "show", "oven-1"),
        (MOVING, "status"),
        (MOVING, "audit", "ls", "--limit", "20"),
        (MOVING, "dlq", "ls", "--limit", "20"),
        (MOVING, "dlq", "groups"),
        (MOVING, "dlq", "jobs", "--limit", "20"),
        (MOVING, "dlq", "policy"),
        (STABLE, "config", "show"),
        (STABLE, "config", "get", "port_base"),
        (STABLE, "context", "ls"),
        (STABLE, "version"),
        (MOVING, "doctor"),
        (MOVING, "logs", "orderd", "-n", "5"),
    ]


PEOPLE_LINES = ("saga show", "topic tail", "logs", "config get", "version")  # no tables in the forms for people


def as_csv(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, (str, list, dict)) else float(value)


def csv_matches(field, value):
    wanted = as_csv(value)
    if isinstance(wanted, (list, dict)):
        return json.loads(field) == value
    return float(field) == wanted if isinstance(wanted, float) else field == wanted


def check_csv(argv, rows, stable):
    text = ctl(*argv, "-o", "csv")
    lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert text.endswith("\r\n") and "\n" not in re.sub(r'"(?:[^"]|"")*"', "", text).replace("\r\n", ""), "line ends"
    names = [c["column"] for c in json.loads(ctl(*argv, "--columns", "help", "-o", "json"))]
    assert lines[0] == names, f"header {lines[0]}"
    assert all(len(line) == len(names) for line in lines), "fields"
    if not stable:
        return
    assert len(lines) == len(rows) + 1
    for line, row in zip(lines[1:], rows):
        for name, field in zip(names, line):
            assert csv_matches(field, row[name]), f"{name}: {field!r} is not {row[name]!r}"


def check_people(argv, rows, stable):
    for form in ("table", "wide") if stable else ("wide",):
        text = ctl(*argv, "-o", form)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text), "control characters"
        assert not any(line != line.rstrip() for line in text.splitlines()), "blanks at line ends"
        if not stable or not rows or " ".join(argv).startswith(PEOPLE_LINES):
            continue
        if argv[1] == "show" and argv[0] != "config":  # fields below one another
            continue
        lines = text.splitlines()
        counts = {len(re.split(r" {2,}", line.strip())) for line in lines}
        assert len(counts) == 1, f"awk -F'  +' sees different numbers of columns: {counts}\n{text}"
        assert len(lines) == len(rows) + 1
        assert ctl(*argv, "-o", form, "--no-headers").splitlines() == lines[1:]


def check_forms(stable, *argv):
    argv = (*argv, "-q")
    text = ctl(*argv, "-o", "json")
    whole = json.loads(text)
    rows = whole if isinstance(whole, list) else [whole]
    lines = [json.loads(line) for line in ctl(*argv, "-o", "jsonl").splitlines()]
    read = yaml.safe_load(ctl(*argv, "-o", "yaml"))
    names = ctl(*argv, "-o", "name").splitlines()
    assert type(read) is type(whole), f"yaml is a {type(read)}"
    if stable:
        assert lines == rows, "jsonl"
        assert read == whole, "yaml"
    members = {str(v) for row in rows for v in row.values()}
    assert not stable or (len(names) <= len(rows) and all(n in members for n in names)), f"name: {names}"
    assert ctl(*argv, "-o", "none") == ""
    check_csv(argv, rows, stable)
    check_people(argv, rows, stable)


def check_full(*argv):
    """A disk that is full is told, in every form; a reader who has left is not."""
    for form in ("table", "wide", "json", "jsonl", "csv", "yaml", "name"):
        with open("/dev/full", "w") as full:
            done = subprocess.run([CTL, *argv, "-q", "-o", form], stdout=full, stderr=subprocess.PIPE, env=ENV)
        assert done.returncode == 1 and b"No space left" in done.stderr, f"{form}: {done}"
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run([CTL, *argv, "-q", "-o", form], stdout=writing, stderr=subprocess.PIPE, env=ENV)
        os.close(writing)
        assert done.returncode == 0 and done.stderr == b"", f"{form}, closed pipe: {done}"


def suite_forms():
    for stable, *argv in commands():
        yield " ".join(argv), lambda stable=stable, argv=argv: check_forms(stable, *argv)
    for argv in (("order", "ls", "--limit", "5"), ("order", "show", ORDER), ("saga", "show", ORDER)):
        yield "full disk and closed pipe: " + " ".join(argv), lambda argv=argv: check_full(*argv)


# --- conditions, order, limits ---

LISTS = [("order", "ls"), ("saga", "ls"), ("menu", "ls"), ("inventory", "ls"), ("payment", "ls"), ("notify", "templates"),
         ("topic", "ls"), ("status",), ("config", "show")]


def quoted(value):
    return "'" + str(value).replace("'", "''") + "'"


def check_where(*argv):
    rows = rows_of(*argv)
    kinds = {c["column"]: c["kind"] for c in json.loads(ctl(*argv, "--columns", "help", "-o", "json"))}
    asked = 0
    for name, kind in kinds.items():
        values = [r[name] for r in rows if r[name] is not None]
        if kind not in ("text", "state", "int", "money", "bool", "time") or not values or isinstance(values[0], (list, dict)):
            continue
        if asked == 4:
            break
        value = values[len(values) // 2]
        text = str(value).lower() if isinstance(value, bool) else quoted(value)
        got = rows_of(*argv, "--where", f"{name} = {text}")
        others = rows_of(*argv, "--where", f"not {name} = {text}")
        key = list(kinds)[0]
        assert {r[key] for r in got} == {r[key] for r in rows if r[name] == value}, f"{name} = {text}"
        assert len(got) + len(others) == len(rows), f"not {name} = {text}"
        asked += 1
    assert asked > 0


def check_sort(*argv):
    rows = rows_of(*argv)
    for name in (c["column"] for c in json.loads(ctl(*argv, "--columns", "help", "-o", "json"))):
        values = [r[name] for r in rows if r[name] is not None]
        if not values or isinstance(values[0], (list, dict)):
            continue
        for down in (False, True):
            got = [r[name] for r in rows_of(*argv, "--sort", ("-" if down else "") + name)]
            key = (lambda v: v.encode()) if isinstance(values[0], str) else float
            wanted = sorted(values, key=key, reverse=down)
            assert [v for v in got if v is not None] == wanted, f"--sort {name}"
            assert all(v is None for v in got[len(wanted):]), f"--sort {name}: none last"
            first = [r[name] for r in rows_of(*argv, "--sort", ("-" if down else "") + name, "--limit", "2")]
            assert first == got[:2], f"--sort {name} --limit 2"


def check_usage(*argv):
    cases = [("--where", "nosuch = 1", "no column"), ("--columns", "nosuch", "no such column"),
             ("--sort", "nosuch", "no such column"), ("--where", "(", "a column is missing"), ("--where", "'", "not closed"),
             ("-o", "xml", "xml")]
    for option, value, said in cases:
        done = run(*argv, option, value)
        assert done.returncode == 2 and said in done.stderr.decode(), f"{option} {value}: {done}"
        assert done.stdout == b""
    error = json.loads(run(*argv, "-o", "json", "--where", "nosuch = 1").stderr)["error"]
    assert error["code"] == "usage" and error["hint"].endswith("nosuch = 1\n^")


def suite_choosing():
    for argv in LISTS:
        yield "--where: " + " ".join(argv), lambda argv=argv: check_where(*argv)
    for argv in (("order", "ls"), ("menu", "ls")):
        yield "--sort: " + " ".join(argv), lambda argv=argv: check_sort(*argv)
    for argv in (("order", "ls"), ("menu", "ls"), ("topic", "ls")):
        yield "wrong choices: " + " ".join(argv), lambda argv=argv: check_usage(*argv)


# --- what must not reach a terminal ---

HOSTILE = ["\x1b[31mred\x1b[0m", "a\nb\rc\td", "\u202egnp.exe", "\u009b2J", "\x07\x08\x7f", "quo\"te's, ;", "東京 ピザ 😀",
           "yes", "no", "on", "~", "null", "1:30", "0x1f", "0o17", "007", "1e3", "-1", ".5", "=1+1", "- x", "# x", "a: b", "",
           " x ", "{a}", "[a]", "&a", "*a", "!a", "%a", "@a", "`a", "|", ">", "2026-11-21", "\ufffe\uffff", "\u2028", "\ufeffx",
           "<<", "NaN", ".inf", "True", "1_000", "\u0085"]


def sql(text):
    subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", os.environ["PIZZA_HOME"] + "/run", "-d",
                    "pizza_console"], input=text, check=True, text=True, env={**ENV, "PGCLIENTENCODING": "UTF8"})


def with_hostile(check):
    """Rows whose texts are as bad as they can be, in the read model, for as long as check runs."""
    values = ",".join(f"(('f0000000-0000-7000-8000-' || lpad('{i}', 12, '0'))::uuid, {literal(t)})"
                      for i, t in enumerate(HOSTILE))
    sql("INSERT INTO sagas (order_id, seen, started_at, updated_at, steps, due, state, customer_name, reason) "
        f"SELECT id, 0, now(), now(), 0, false, 'cancelled', t, t FROM (VALUES {values}) v (id, t)")
    try:
        check()
    finally:
        sql("DELETE FROM sagas WHERE order_id >= 'f0000000-0000-7000-8000-000000000000'")


def literal(text):
    return "U&'" + "".join(c if c.isalnum() and ord(c) < 128 else "\\+%06x" % ord(c) for c in text) + "'"


ONLY = ("order", "ls", "--where", "order_id ~ ^f0000000", "--sort", "order_id")


def check_hostile_forms():
    rows = rows_of(*ONLY)
    assert [r["customer_name"] for r in rows] == HOSTILE
    assert yaml.safe_load(ctl(*ONLY, "-o", "yaml")) == rows
    assert [json.loads(line) for line in ctl(*ONLY, "-o", "jsonl").split("\n")[:-1]] == rows
    for columns in ("order_id,customer_name", "customer_name"):
        read = list(csv.reader(io.StringIO(run(*ONLY, "--columns", columns, "-o", "csv").stdout.decode(), newline="")))
        assert [line[-1] for line in read[1:]] == HOSTILE, columns


def check_hostile_people():
    bad = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
    for form in ("table", "wide"):
        for color in ("never", "always"):
            text = re.sub("\x1b\\[[0-9;]*m", "", run(*ONLY, "-o", form, "--color", color).stdout.decode())
            assert not bad.search(text), f"{form}: {bad.search(text)!r}"
            assert len(text.splitlines()) == len(HOSTILE) + 1


def check_hostile_where():
    for text in HOSTILE:
        got = rows_of("order", "ls", "--where", f"order_id ~ ^f0000000 and customer_name = {quoted(text)}")
        assert [r["customer_name"] for r in got] == [text], repr(text)


def suite_hostile():
    yield "forms for programs give every text back", lambda: with_hostile(check_hostile_forms)
    yield "forms for people are harmless", lambda: with_hostile(check_hostile_people)
    yield "--where finds every text", lambda: with_hostile(check_hostile_where)


# --- on a terminal ---


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, rows, columns, *argv, **env):
        self.text = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            time.sleep(0.05)  # until the size is set
            os.execve(CTL, [CTL, *argv], {**ENV, **env})
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_until(self, done, seconds=20):
        end = time.monotonic() + seconds
        while not done(self.text.decode(errors="replace")):
            assert time.monotonic() < end, f"not within the deadline: {self.text!r}"
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    data = os.read(self.fd, 65536)
                except OSError:
                    data = b""
                if not data:
                    return False
                self.text += data
        return True

    def finish(self):
        self.read_until(lambda text: False)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def on_terminal(rows, columns, *argv, **env):
    t = Terminal(rows, columns, *argv, **env)
    status = t.finish()
    assert status == 0, t.text
    return t.text.decode()


def width(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def check_widths():
    for columns in (40, 80, 120):
        for argv in (("status",), ("order", "ls", "--limit", "5"), ("saga", "ls", "-o", "wide", "--limit", "5"),
                     ("topic", "ls"), ("lag",), ("menu", "ls"), ("notify", "templates")):
            text = re.sub("\x1b\\[[0-9;]*m", "", on_terminal(24, columns, *argv))
            widest = max(text.splitlines(), key=width)
            assert width(widest) <= columns, f"{argv} at {columns}: {widest!r} is {width(widest)} wide"


def check_wide_characters():
    sql("INSERT INTO sagas (order_id, seen, started_at, updated_at, steps, due, state, customer_name) VALUES "
        "('f0000000-0000-7000-8000-000000000001', 0, now(), now(), 0, false, 'paid', '東京ピザ'),"
        "('f0000000-0000-7000-8000-000000000002', 0, now(), now(), 0, false, 'paid', 'Zoë')")
    try:
        text = on_terminal(24, 100, *ONLY, "--columns", "customer_name,status", "--color", "never")
        lines = text.splitlines()
        assert {width(line[:line.index("paid")]) for line in lines[1:]} == {width(lines[0][:lines[0].index("STATUS")])}
    finally:
        sql("DELETE FROM sagas WHERE order_id >= 'f0000000-0000-7000-8000-000000000000'")


def check_colors():
    assert "\x1b[" in on_terminal(24, 80, "status")
    assert "\x1b" not in on_terminal(24, 80, "status", NO_COLOR="1")
    assert "\x1b" not in on_terminal(24, 80, "status", "--color", "never")
    assert "\x1b" not in on_terminal(24, 80, "status", TERM="dumb")
    assert "\x1b[" in on_terminal(24, 80, "status", "--color", "always", NO_COLOR="1")
    assert b"\x1b" not in run("status").stdout
    assert b"\x1b[" in run("status", "--color", "always").stdout


def check_pager():
    marked = {"PIZZA_PAGER": "sed s/^/paged:/"}
    assert "paged:" in on_terminal(24, 80, "order", "ls", "--limit", "2", **marked)
    assert "paged:" not in on_terminal(24, 80, "order", "ls", "--limit", "2", PIZZA_PAGER="", PAGER="sed s/^/paged:/")
    assert "paged:" not in on_terminal(24, 80, "logs", "orderd", "-n", "1", **marked)
    assert b"paged:" not in subprocess.run([CTL, "order", "ls"], capture_output=True, env={**ENV, **marked}).stdout
    assert "NAME" in on_terminal(24, 80, "status", PIZZA_PAGER="head -n 1")


def check_watch_screen():
    t = Terminal(12, 70, "order", "ls", "-w", "200ms", "--color", "never", PIZZA_PAGER="sed s/^/paged:/")
    t.read_until(lambda text: text.count("\x1b[H") >= 3)
    os.kill(t.pid, signal.SIGINT)
    status = t.finish()
    text = t.text.decode()
    assert status == 0 and text.startswith("\x1b[?1049h") and text.rstrip().endswith("\x1b[?1049l"), text[-200:]
    assert "\x1b[?25l" in text and text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    assert "\x1b[2J" not in text and "paged:" not in text  # cleared line by line: no flicker
    frame = text.split("\x1b[H")[2]
    assert len(frame.splitlines()) <= 12 and "order ls" in frame and "ORDER ID" in frame


def suite_terminal():
    yield "tables fit", check_widths
    yield "wide characters are aligned", check_wide_characters
    yield "colours only where they are wanted", check_colors
    yield "a pager only on a terminal", check_pager
    yield "--watch redraws in place and restores the screen", check_watch_screen


# --- streams ---


def place_order():
    return ctl("order", "create", "--item", "margherita", "--address", "1 Test Street", "-o", "name").strip()


def wait_for(done, what, seconds=20):
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"not within the deadline: {what}"
        time.sleep(0.02)


def lines_of(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f.read().splitlines() if line.endswith("}")]


def follow_with_interruptions(argv, events):
    """Follows, is ended in every way while orders come, goes on; every event comes, and none twice."""
    with tempfile.TemporaryDirectory() as folder:
        cursor, out = folder + "/cursor", folder + "/out"
        orders = set()
        for end in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGKILL):
            with open(out, "ab") as f:
                p = subprocess.Popen([CTL, *argv, "--cursor", cursor, "-o", "jsonl"], stdout=f, env=ENV)
            wait_for(lambda: os.path.exists(cursor) and os.path.getsize(cursor) > 0, "a cursor")
            before = len(lines_of(out))
            orders.add(place_order())
            wait_for(lambda: len(lines_of(out)) > before, "an event")
            p.send_signal(end)
            orders.add(place_order())
            p.wait(timeout=60)
        last = subprocess.Popen([CTL, *argv, "--cursor", cursor, "-o", "jsonl"], stdout=open(out, "ab"), env=ENV)
        wanted = {o: {"OrderCreated", "OrderReserved", "OrderPaid"} for o in orders}
        try:
            wait_for(lambda: all(wanted[o] <= {e for k, e, _ in events(lines_of(out)) if k == o} for o in orders),
                     "all events of all orders")
        finally:
            last.terminate()
            last.wait(timeout=60)
        ids = [i for _, _, i in events(lines_of(out))]
        assert len(ids) == len(set(ids)), "an event came twice"


def check_follow_topic():
    follow_with_interruptions(("topic", "tail", "order-events", "-f", "-n", "0"), lambda rows: [
        (r["key"], r["value"]["event_type"], r["value"]["event_id"]) for r in rows])


def check_follow_orders():
    follow_with_interruptions(("order", "ls", "--follow"), lambda rows: [
        (r["order_id"], r["event_type"], r["event_id"]) for r in rows])


def check_follow_sagas():
    follow_with_interruptions(("saga", "follow"), lambda rows: [
        (r["key"], r["value"]["event_type"], r["value"]["event_id"]) for r in rows])


def check_once_more():
    """Without --follow a cursor gives what is new, once."""
    wait_for(lambda: all(ctl("order", "ls", "--status", s, "-o", "name") == "" for s in ("pending", "reserved", "paid", "cooking")),
             "no order is under way")
    with tempfile.TemporaryDirectory() as folder:
        for argv in (("topic", "tail", "order-events"), ("order", "ls"), ("logs", "pizzad")):
            cursor = folder + "/" + argv[0]
            ctl(*argv, "--cursor", cursor)
            assert argv[0] == "logs" or ctl(*argv, "--cursor", cursor, "-o", "jsonl") == ""
        order = place_order()
        wait_for(lambda: order in ctl("order", "ls", "--status", "ready", "--limit", "5", "-o", "name"), "the order is ready")
        got = [json.loads(x) for x in ctl("order", "ls", "--cursor", folder + "/order", "-o", "jsonl").splitlines()]
        assert [r["status"] for r in got if r["order_id"] == order] == ["pending", "reserved", "paid", "cooking", "ready"]
        assert ctl("order", "ls", "--cursor", folder + "/order", "-o", "jsonl") == ""


def check_bad_cursors():
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/c"
        for text in ("{", "[]", "{}", '{"for":"order ls","places":{"order-events":{"0":"x"}}}', "\0", '{"for":"lag","places":{}}'):
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            assert b"cursor" in run("order", "ls", "--cursor", path).stderr
            ctl("order", "ls", "--cursor", path, status=2)
            with open(path, encoding="utf-8") as f:
                assert f.read() == text, "a file that is no cursor is left alone"
        with open(path, "w", encoding="utf-8") as f:
            f.write('{"for":"order ls","places":{"order-events":{"0":99999999}}}')
        ctl("order", "ls", "--cursor", path, status=9)
        ctl("order", "ls", "--cursor", folder + "/no/such", status=1)
        with open(path + 2 * "x", "w", encoding="utf-8") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            ctl("order", "ls", "--cursor", path + 2 * "x", status=9)


def suite_follow():
    yield "topic tail -f: no gap, nothing twice", check_follow_topic
    yield "order ls --follow: no gap, nothing twice", check_follow_orders
    yield "saga follow: no gap, nothing twice", check_follow_sagas
    yield "a cursor without --follow gives what is new", check_once_more
    yield "cursors that are none are refused", check_bad_cursors


def check_watch_changes():
    with tempfile.NamedTemporaryFile() as out:
        p = subprocess.Popen([CTL, "order", "ls", "--limit", "3", "-w", "100ms"], stdout=out, env=ENV)
        try:
            wait_for(lambda: len(lines_of(out.name)) == 3, "the first look")
            order = place_order()
            wait_for(lambda: {"new", "gone"} <= {r["change"] for r in lines_of(out.name)[3:]}, "the change")
            wait_for(lambda: [r for r in lines_of(out.name) if r["order_id"] == order][-1]["status"] == "ready", "ready")
        finally:
            p.send_signal(signal.SIGINT)
        assert p.wait(timeout=60) == 0
        rows = lines_of(out.name)
        assert [r["change"] for r in rows[:3]] == ["new"] * 3
        assert [r["change"] for r in rows if r["order_id"] == order][0] == "new"


def check_watch_reader():
    """A reader who leaves ends the watch, also when nothing changes."""
    p = subprocess.Popen([CTL, "menu", "ls", "-w", "100ms"], stdout=subprocess.PIPE, env=ENV)
    p.stdout.readline()
    p.stdout.close()
    assert p.wait(timeout=60) == 0


def check_watch_usage():
    for argv in (("order", "ls", "-w", "-o", "csv"), ("order", "create", "-w"), ("topic", "tail", "order-events", "-w"),
                 ("order", "ls", "-w", "--follow"), ("order", "ls", "--follow", "--sort", "status"),
                 ("topic", "tail", "order-events", "--sort", "offset"), ("order", "show", ORDER, "--where", "status = paid")):
        ctl(*argv, status=2)


def suite_watch():
    yield "changes are appended", check_watch_changes
    yield "it ends when its reader has left", check_watch_reader
    yield "what cannot be watched, followed or chosen from is refused", check_watch_usage


def main():
    tests = list(globals()["suite_" + sys.argv[1]]())
    failed = 0
    for name, check in tests:
        try:
            check()
        except Exception as e:  # told, and the next one is tried
            failed += 1
            print(f"# failed: {name}: {type(e).__name__}: {e}")
    print(f"# {sys.argv[1]}: {len(tests)} checks, {failed} failed")
    return 1 if failed or not tests else 0


sys.exit(main())
