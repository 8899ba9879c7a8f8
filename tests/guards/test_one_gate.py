"""B14: answers come in by one gate. A second way in would sooner or later lack what the first one checks."""

import ast
from collections.abc import Iterator

from tests.guards.test_rooms import ROOT, modules

WRITING = {"insert", "insert_into", "update", "put", "merge", "add", "add_all"}
# Who writes the rows of answers, and why
WRITERS = {
    "answers": {
        "app/services/arrival.py": "the gate",
        "app/services/answers.py": "whether one counts",
        "app/services/forgetting.py": "the words of a person who is erased",
        "app/services/retention_kinds.py": "words that were kept long enough",
        "app/services/demo_asks.py": "the first look, in a workspace of its own",
    },
    "sealed_answers": {"app/services/pulse_answers.py": "the gate"},
}
MODELS = {"Answer": "answers", "SealedAnswer": "sealed_answers"}
GATES = {
    "record": ("arrival", "app/web/answer_pages.py"),
    "seal_answer": ("pulse_answers", "app/web/pulse_pages.py"),
}


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield path.relative_to(ROOT).as_posix(), node


def called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def test_each_table_of_answers_is_written_by_those_who_say_why() -> None:
    found: dict[str, set[str]] = {table: set() for table in WRITERS}
    for path, call in calls():
        names = {each.id for each in call.args if isinstance(each, ast.Name)} & set(MODELS)
        if called(call) in WRITING and names:
            found[MODELS[names.pop()]].add(path)
        if called(call) in MODELS:
            found[MODELS[called(call)]].add(path)
    for module in modules():
        text = module.read_text(encoding="utf-8")
        for table in WRITERS:
            if any(f"{verb} {table} " in text for verb in ("INSERT INTO", "UPDATE")):
                found[table].add(module.relative_to(ROOT).as_posix())
    assert found == {table: set(why) for table, why in WRITERS.items()}


def test_only_the_respondents_pages_come_to_the_gate() -> None:
    for verb, (module, page) in GATES.items():
        found = {
            path
            for path, call in calls()
            if called(call) == verb
            and isinstance(call.func, ast.Attribute)
            and getattr(call.func.value, "id", "") == module
        }
        assert found == {page}, verb
