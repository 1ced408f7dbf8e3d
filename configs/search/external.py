"""An evaluator for `nas search`: put your own measurement into `judge`.

Every line of standard input is a question, every answer is one line on
standard output with the question's `id` (nas help evaluators).
"""
import contextlib
import json
import sys


def judge(architecture, choices):
    """Values of one architecture; here a stand-in for a training."""
    return {"accuracy": round(0.9 - 0.01 * int(choices["down2"]), 4)}


for line in sys.stdin:
    question = json.loads(line)
    answer = {"id": question["id"]}
    try:
        # Standard output is for answers: what libraries print goes elsewhere.
        with contextlib.redirect_stdout(sys.stderr):
            values = judge(question["architecture"], question["choices"])
        answer.update(values)
    except Exception as problem:  # This one failed; the search goes on.
        answer["error"] = f"{type(problem).__name__}: {problem}"
    print(json.dumps(answer), flush=True)
