"""Adds up ctest's JUnit reports and prints "N passed, N failed, N skipped"; exits 1 when a test failed, did not run though
it did not skip itself (its program was not built), or when none passed.

An entry of ctest that is a whole GoogleTest program leaves GoogleTest's own report, tests/NAME.xml beside ctest's: then the tests
in it count. A program that died left none, and counts as one that failed."""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def is_skipped(case):
    """By its own wish, or because it is switched off. ctest calls a test that it could not start "notrun" too."""
    if case.get("status") == "disabled":
        return True
    skipped = case.find("skipped")
    return skipped is not None and skipped.get("message", "").startswith("SKIP_")


def count_program(report):
    """(total, failed, skipped) of a GoogleTest program's report."""
    cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    failed = sum(case.find("failure") is not None for case in cases)
    return len(cases), failed, sum(case.find("failure") is None and case.get("result") != "completed" for case in cases)


def count(paths):
    total = failed = skipped = 0
    for path in paths:
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            of_program = pathlib.Path(path).parent / "tests" / f"{case.get('name')}.xml"
            has_failed = case.get("status") != "run" or case.find("failure") is not None
            if is_skipped(case):
                counts = 1, 0, 1
            elif of_program.is_file():
                counts = count_program(of_program)
                if has_failed and counts[1] == 0:  # it died after the last test
                    counts = counts[0] + 1, 1, counts[2]
            else:
                counts = 1, int(has_failed), 0
            total, failed, skipped = total + counts[0], failed + counts[1], skipped + counts[2]
    return total - failed - skipped, failed, skipped


if __name__ == "__main__":
    try:
        passed, failed, skipped = count(sys.argv[1:])
    except (OSError, ElementTree.ParseError) as error:
        sys.exit(f"a report of ctest cannot be read, so the tests did not run to their end: {error}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(0 if failed == 0 and passed > 0 else 1)
