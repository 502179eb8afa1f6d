"""The templates of this folder. Everything in them is escaped: names come from files of others."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


@cache
def environment() -> Environment:
    """Templates that escape all text, and stop at a name that was not given."""
    made = Environment(
        loader=PackageLoader("reports.html", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    return made


def fill(template: str, **values: Any) -> Markup:
    """A template of this folder with its values."""
    return Markup(environment().get_template(template).render(**values))


def asset(name: str) -> Markup:
    """The style sheet or the script of this folder, as it is."""
    return Markup(resources.files("reports.html").joinpath(name).read_text(encoding="utf-8"))


def script_digest(script: str) -> str:
    """What a Content-Security-Policy calls this script by, so that no other one runs."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
