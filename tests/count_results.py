"""Adds up ctest's JUnit reports and prints "N passed, N failed, N skipped"; exits 1 when a test failed, did not run though
it did not skip itself (its program was not built), or when none passed."""

import sys
import xml.etree.ElementTree as ElementTree


def is_skipped(case):
    """By its own wish, or because it is switched off. ctest calls a test that it could not start "notrun" too."""
    if case.get("status") == "disabled":
        return True
    skipped = case.find("skipped")
    return skipped is not None and skipped.get("message", "").startswith("SKIP_")


def count(paths):
    total = failed = skipped = 0
    for path in paths:
        suite = ElementTree.parse(path).getroot()
        for case in suite.iter("testcase"):
            total += 1
            if is_skipped(case):
                skipped += 1
            elif case.get("status") != "run" or case.find("failure") is not None:
                failed += 1
    return total - failed - skipped, failed, skipped


if __name__ == "__main__":
    try:
        passed, failed, skipped = count(sys.argv[1:])
    except (OSError, ElementTree.ParseError) as error:
        sys.exit(f"a report of ctest cannot be read, so the tests did not run to their end: {error}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(0 if failed == 0 and passed > 0 else 1)
