"""What holds for every test."""

import os

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True)
if os.environ.get("CI"):
    # The same examples at every run of the same code; chance explores on the developers' machines.
    settings.load_profile("repeatable")
