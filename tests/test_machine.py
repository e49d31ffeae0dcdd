"""What a machine and a process of it are said to have."""

import subprocess
import sys

from langadapt.machine import most_held


def test_a_process_holds_what_it_holds_and_not_what_its_parent_did():
    held = bytearray(300 * 2**20)
    named = "open('/proc/self/comm', 'wb').write(bytes([0xFF, 0xC3]))"
    asked = f"from langadapt.machine import most_held; {named}; print(most_held())"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert 5 * 2**20 < int(told.stdout) < len(held) < most_held()
    assert most_held() - len(held) > 10 * 2**20, "bytes"
