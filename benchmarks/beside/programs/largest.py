"""Run a command and write what its largest process held, in KiB, into a file: largest.py FILE COMMAND...

A process is said to hold at least what its parent held, so the parent had better be small: this one, not the benchmark.
"""

import os
import sys

_, file, *command = sys.argv
_, status, usage = os.wait4(os.posix_spawnp(command[0], command, os.environ), 0)
with open(file, "w") as record:
    record.write(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status) % 256)
