"""The package's version, carried by every result."""

VERSION = "0.2.0"
