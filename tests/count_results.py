"""Adds up ctest's JUnit reports and prints "N passed, N failed, N skipped"; exits 1 when a test failed or none ran."""

import sys
import xml.etree.ElementTree as ElementTree


def count(paths):
    total = failed = skipped = 0
    for path in paths:
        suite = ElementTree.parse(path).getroot()
        for case in suite.iter("testcase"):
            total += 1
            failed += case.find("failure") is not None
            skipped += case.find("skipped") is not None or case.get("status") in ("disabled", "notrun")
    return total - failed - skipped, failed, skipped


if __name__ == "__main__":
    passed, failed, skipped = count(sys.argv[1:])
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(0 if failed == 0 and passed > 0 else 1)
