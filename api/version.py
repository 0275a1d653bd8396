"""Which version runs."""

from importlib import metadata


def software_version() -> str:
    """Return the installed version; a source tree that is not installed has none."""
    try:
        return metadata.version("dure")
    except metadata.PackageNotFoundError:
        return "0+source"
