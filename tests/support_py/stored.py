"""What lies in the directory of a server, while it is at work there."""
import os
import pathlib


def files_below(root):
    """Paths below the root; what vanishes meanwhile is left out, where pathlib's rglob raises."""
    root = pathlib.Path(root)
    return sorted(str((pathlib.Path(folder) / name).relative_to(root)) for folder, _, names in os.walk(root)
                  for name in names)
