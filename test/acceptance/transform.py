#!/usr/bin/env python
"""What CloudFormation makes of a SAM template, without AWS.

    transform.py TEMPLATE OUT [PARAMETER=VALUE...]

Writes the stack with the SAM transform applied, and says how many resources it declares:
CloudFormation takes 500, whether their conditions hold or not; we leave room for what an
upgrade needs.
"""

import json
import sys

from boto3.session import Session
from samcli.lib.translate.sam_template_validator import SamTemplateValidator
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader

ROOM = 450


class NoPolicies(ManagedPolicyLoader):
    """Roles of this template name no policy of AWS by its short name; looking them up would need an account."""

    def load(self):
        return {}


def main(template, out, *parameters):
    with open(template, encoding="utf-8") as file:
        text = file.read()
    validator = SamTemplateValidator(
        yaml_parse(text),
        NoPolicies(Session().client("iam")),
        parameter_overrides=dict(p.split("=", 1) for p in parameters),
    )
    stack = yaml_parse(validator.get_translated_template_if_valid())
    for resource in stack["Resources"].values():
        resource.get("Properties", {}).pop("Body", None)  # the API's routes again; checkov takes minutes to read them
    with open(out, "w", encoding="utf-8") as file:
        json.dump(stack, file, indent=1)
    count = len(stack["Resources"])
    print(f"{template} with {' '.join(parameters) or 'defaults'}: {count} resources, fewer than {ROOM} wanted")
    return count >= ROOM


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
