"""An evaluator for `nas search`: put your own training or measurement into `judge`.

Every line of standard input is a question, every answer is one line on standard output with the
question's `id` (nas help evaluators).
"""
import contextlib
import json
import sys


def judge(architecture, choices):
    """Values of one architecture, here a stand-in: late reductions of the size cost quality."""
    return {"accuracy": round(0.9 - 0.01 * int(choices["down2"]), 4)}


for line in sys.stdin:
    question = json.loads(line)
    answer = {"id": question["id"]}
    try:
        # What libraries print goes to standard error: standard output is for answers.
        with contextlib.redirect_stdout(sys.stderr):
            answer.update(judge(question["architecture"], question["choices"]))
    except Exception as problem:  # This architecture failed; the search goes on.
        answer["error"] = f"{type(problem).__name__}: {problem}"
    print(json.dumps(answer), flush=True)
