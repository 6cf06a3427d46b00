#!/usr/bin/env python3
"""Do the tour of README.md and compare what is said with what stands there.

    OPENRC=.mandate/openrc test/acceptance/tour.py [--record]

The tour is the console block below `<!-- tour -->`: lines with `$ ` are typed into one bash,
`> ` continues one, `# ` is read by people only, and every other line is what the command
before it says. Ids, times and tokens may differ; they are named in the order in which they
are first seen. With --record the answers are written into README.md instead. Needs a fresh
service, the stock client, curl and jq.
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

readme = Path(__file__).resolve().parents[2] / "README.md"
openrc = Path(os.environ["OPENRC"]).resolve()
before, block, after = re.fullmatch(r"(.*<!-- tour -->\n+```console\n)(.*?)(```\n.*)", readme.read_text(), re.DOTALL).groups()

steps = []  # (what stands there, the command, what it said); a command is None for what people read
for line in block.splitlines():
    if line.startswith("$ "):
        steps.append([line, line[2:], []])
    elif line.startswith("> "):
        steps[-1][0] += "\n" + line
        steps[-1][1] += "\n" + line[2:]
    elif line.startswith("# ") or not line:
        steps.append([line, None, []])
    else:
        steps[-1][2].append(line)
typed = [step for step in steps if step[1] is not None]
if len(typed) < 5:
    sys.exit("README.md has no tour")

END = "\x1e"
with tempfile.TemporaryDirectory() as home:
    (Path(home) / ".mandate").symlink_to(openrc.parent)
    script = "".join(f"{command}\nprintf '{END}'\n" for _, command, _ in typed)
    said = subprocess.run(["bash"], input=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=home, timeout=300,
                          env={"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8"}).stdout.split(END)


def stable(text):
    """The text with names in place of what differs from run to run."""
    seen = {}
    changing = r"req-[0-9a-f-]{36}|\b[0-9a-f]{32}\b|\d{4}-\d\d-\d\dT[\d:]+(?:\.\d+)?Z|[\w-]{90,}"
    return re.sub(changing, lambda m: seen.setdefault(m[0], f"<{len(seen) + 1}>"), text)


answers = [text.strip("\n").splitlines() for text in said[:len(typed)]]
if len(said) != len(typed) + 1:
    sys.exit(f"the tour stopped at: {typed[len(said) - 1][1]}\n{said[-1]}")
if "--record" in sys.argv[1:]:
    for step, answer in zip(typed, answers):
        step[2] = answer
    readme.write_text(before + "".join("\n".join([shown, *answer]) + "\n" for shown, _, answer in steps) + after)
    sys.exit()
there = stable("\n".join("\n".join([command, *answer]) for _, command, answer in typed)).splitlines()
now = stable("\n".join("\n".join([command, *answer]) for (_, command, _), answer in zip(typed, answers))).splitlines()
for a, b in zip(there + [""], now + [""]):
    if a != b:
        sys.exit(f"README.md says\n  {a}\nand now it is\n  {b}\n(OPENRC=.mandate/openrc test/acceptance/tour.py --record writes it anew)")
print(f"ok: {len(typed)} commands, {sum(map(len, answers))} lines of answers")
