#!/usr/bin/env python
"""What samconfig.toml says, as the SAM CLI reads it: each of its environments overrides
parameters that the template has, by values that the template allows, and deploys a stack of
its own.

    samconfig.py TEMPLATE ENVIRONMENT...
"""

import re
import sys

from samcli.cli.types import CfnParameterOverridesType
from samcli.lib.config.samconfig import SamConfig
from samcli.yamlhelper import yaml_parse


def wrong(parameter, value):
    """Why a parameter does not take a value; nothing when it does."""
    allowed = [str(v) for v in parameter.get("AllowedValues", [])]
    if allowed and value not in allowed:
        return f"is not one of {', '.join(allowed)}"
    if parameter["Type"] == "Number" and not parameter.get("MinValue", float("-inf")) <= float(value):
        return "is too small"
    if not re.fullmatch(parameter.get("AllowedPattern", ".*"), value):
        return "is not of the form that is asked for"
    return None


def main(template, *environments):
    with open(template, encoding="utf-8") as file:
        parameters = yaml_parse(file.read())["Parameters"]
    config = SamConfig(".")
    stacks, problems = {}, []
    for name, parameter in parameters.items():
        if why := wrong(parameter, str(parameter["Default"])):
            problems.append(f"{name}: the default {parameter['Default']!r} {why}")
    for environment in environments:
        said = config.get_all(["deploy"], "parameters", environment)
        stack = config.get_all([], "parameters", environment)["stack_name"]
        if stack in stacks:
            problems.append(f"{environment}: deploys {stack}, as {stacks[stack]} does")
        stacks[stack] = environment
        overrides = CfnParameterOverridesType().convert(said.get("parameter_overrides", ""), None, None)
        for name, value in overrides.items():
            if name not in parameters:
                problems.append(f"{environment}: the template has no parameter {name}")
            elif why := wrong(parameters[name], value):
                problems.append(f"{environment}: {name}={value} {why}")
        if not said.get("resolve_s3") or said["capabilities"] != "CAPABILITY_IAM":
            problems.append(f"{environment}: no bucket for what is built, or no leave to make roles")
        print(f"{environment}: stack {stack} with {overrides or 'defaults'}")
    print("\n".join(problems), file=sys.stderr, end="\n" if problems else "")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
