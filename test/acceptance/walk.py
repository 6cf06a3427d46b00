"""What every walk of this folder does: say each step, and end with the first check that fails."""

import secrets
import sys
import time

run = secrets.token_hex(4)  # a word that nobody has used before
began = time.monotonic()
steps = 0


def say(what):
    global steps
    steps += 1
    print(f"{steps:3}  {what:92} {seconds():3.0f} s", flush=True)


def seconds():
    """Since the walk began."""
    return time.monotonic() - began


def fail(what):
    sys.exit(f"FAILED after step {steps}: {what}")


def same(got, want, what):
    if got != want:
        fail(f"{what}: {got!r} instead of {want!r}")


def passed(what=""):
    print(f"\n{steps} steps passed, 0 failed{what}, in {seconds():.0f} s")
