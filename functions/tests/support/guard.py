"""Runs a program until standard input closes, then kills it and all that it started.

Whoever holds the other end may end in any way: the program never outlives it.
"""

import os
import signal
import subprocess
import sys
import threading

child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)


def end_with_input():
    os.read(0, 1)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    os._exit(0)


threading.Thread(target=end_with_input, daemon=True).start()
os._exit(child.wait() & 0xFF)
