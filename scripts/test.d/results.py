"""What TRX files of test runs say: results.py counts FILE | results.py slowest FILE…

counts    "PASSED FAILED SKIPPED" of one run; nothing for a file that is not there or not whole
slowest   the ten test classes and the ten tests that took the longest, of all the runs, with their seconds
"""
import collections
import sys
import xml.etree.ElementTree as tree

SHOWN = 10  # arbitrary


def counts(path):
    try:
        outcome = tree.parse(path).getroot().find("{*}ResultSummary")
        found = {k: int(v) for k, v in outcome.find("{*}Counters").attrib.items()}
    except (OSError, tree.ParseError, AttributeError, ValueError):
        return
    passed, total, executed = found["passed"], found["total"], found["executed"]
    print(passed, executed - passed, total - executed)


def seconds(duration):
    hours, minutes, rest = duration.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def slowest(paths):
    classes, tests = collections.Counter(), collections.Counter()
    for path in paths:
        try:
            run = tree.parse(path).getroot()
        except (OSError, tree.ParseError):
            continue
        class_of = {t.get("id"): t.find("{*}TestMethod").get("className") for t in run.iterfind("{*}TestDefinitions/{*}UnitTest")}
        for result in run.iterfind("{*}Results/{*}UnitTestResult"):
            took = seconds(result.get("duration", "0:0:0"))
            classes[class_of.get(result.get("testId"), "?")] += took
            tests[result.get("testName")] += took
    for what, times in (("classes", classes), ("tests", tests)):
        print(f"The slowest {what}:")
        for name, took in times.most_common(SHOWN):
            print(f"{took:8.1f} s  {name if len(name) <= 140 else name[:139] + '…'}")


if sys.argv[1] == "counts":
    counts(sys.argv[2])
else:
    slowest(sys.argv[2:])
