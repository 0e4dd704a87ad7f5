"""Configuration of the documentation: pages in Markdown, numbers from the library itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from generate import write_all  # noqa: E402

import costmodel  # noqa: E402

project = "costmodel"
author = "The costmodel authors"
copyright = "the costmodel authors, MIT"  # noqa: A001
release = version = costmodel.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_copybutton",
]
myst_enable_extensions = ["deflist", "fieldlist"]
myst_heading_anchors = 3
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "README.md", "generated/gallery/downloads"]
nb_execution_mode = "off" if os.environ.get("COSTMODEL_DOCS_GALLERY") == "0" else "force"
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_timeout = 900
nb_merge_streams = True
html_theme = "furo"
html_title = "costmodel"
html_static_path = ["_static"]
html_favicon = "_static/icon.svg"
html_copy_source = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_default_options = {"exclude-members": "Meaning, Flags, Lock, State, Guard"}  # aliases that autodoc cannot write
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
nitpicky = False
suppress_warnings = ["myst.header"]

write_all(HERE)
