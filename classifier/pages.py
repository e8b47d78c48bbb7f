"""Pages that ask for no other file, from the templates of this folder; everything that comes from data is escaped."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import jinja2


def render(template: str, **data: Any) -> str:
    """Return a page made from a template of ``templates/``."""
    world = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    world.filters["integrity"] = integrity
    return world.get_template(template).render(**data)


def integrity(text: str) -> str:
    """Return by what a page's content security policy knows its own style."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
