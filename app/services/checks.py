"""One thing that the doctor looked at."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True)
class Check:
    """What it says tells what to do, or why nothing needs to be done."""

    name: str
    state: State
    says: str
