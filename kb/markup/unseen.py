"""Characters that nobody sees and that do something. Which of them go depends on where a text goes."""

import re

CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # but for tabs and ends of lines
TURNING = r"\u202a-\u202e\u2066-\u2069"  # they turn the direction of what follows them
HALVES = r"\ud800-\udfff"  # of characters; and what of a file's name is not UTF-8

# A terminal obeys control characters, a carriage return among them; marks of direction move its cells.
STEERING = re.compile(rf"[{CONTROL}\r{TURNING}\u061c\u200e\u200f{HALVES}]")
