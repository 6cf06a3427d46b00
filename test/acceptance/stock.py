"""The stock `openstack` client, driven by a story: what the walks of this folder share.

A story is a function that is given the client of one person and types commands at its prompt.
They run in one process of the client, as in its interactive mode, because starting it takes
longer than all else. `~` in a command stands for `run`, a word that nobody has used before. The
first check that fails ends the walk with exit code 1.
"""

import io
import json
import logging
import os
import shlex
import subprocess

from openstackclient.shell import OpenStackShell

from walk import fail, passed, run, same, say

commands = 0


class Complaints(logging.Handler):
    """What the client would print to stderr."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


complaints = Complaints()


class Client(OpenStackShell):
    """The client as one person uses it: do() is one command typed at its prompt."""

    told = False

    def interact(self):
        self.story(self)
        self.told = True

    def quietly(self, line):
        global commands
        commands += 1
        self.stdout = io.StringIO()
        complaints.lines.clear()
        logging.getLogger().handlers[:] = [complaints]
        argv = shlex.split(line.replace("~", run))
        return self.run_subcommand(argv), self.stdout.getvalue()

    def do(self, line):
        code, out = self.quietly(line)
        if code:
            fail(f"openstack {line}: {' '.join(complaints.lines) or out}")
        return out

    def get(self, line):
        """The answer, as JSON."""
        return json.loads(self.do(line + " -f json"))

    def refused(self, line, why):
        code, out = self.quietly(line)
        if not code or why not in " ".join(complaints.lines):
            fail(f"openstack {line} should have failed with {why!r}: {code} {out} {complaints.lines}")


def refused(error, what, call, *args, **kwargs):
    """A call of a library that must fail."""
    try:
        call(*args, **kwargs)
    except error:
        return
    fail(f"{what}: it was not refused with {error.__name__}")


def use(story, *options):
    c = Client()
    c.story = story
    c.run(list(options))
    if not c.told:
        fail(f"the client cannot start: {complaints.lines}")


def alone(*words):
    """One command in a process of its own, without the administrator's variables: its code, answer and complaint."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OS_") or k == "OS_AUTH_URL"}
    ran = subprocess.run(["openstack", *words], env=environment, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout, ran.stderr


def done():
    passed(f": {commands} commands")
