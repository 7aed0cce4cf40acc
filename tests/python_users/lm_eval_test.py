"""lm-eval measures a model behind the API server, with a task of its own in a local file."""

import json
import subprocess
import sys
from pathlib import Path

from users import MODEL, program, serving

TASK = """
task: opposites
dataset_path: json
dataset_kwargs:
  data_files: {{test: {data}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: ["\\n"], max_gen_toks: 8, temperature: 0}}
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
metadata: {{version: 1}}
"""
QUESTIONS = ["Once upon a time", "The dog", "Hello"]


def test_a_local_task_is_scored(tmp_path: Path):
    serve = serving()
    with serve.serve([program(), "serve", MODEL, "--served-model-name", "m"]) as server:
        body = {"model": "m", "temperature": 0, "max_tokens": 8, "stop": ["\n"]}
        answers = [
            server.post("/v1/completions", {**body, "prompt": text})["choices"][0]["text"]
            for text in QUESTIONS
        ]
        answers[-1] = "another answer"  # so two of three are right
        data = tmp_path / "data.jsonl"
        pairs = zip(QUESTIONS, answers, strict=True)
        rows = [json.dumps({"question": question, "answer": answer}) for question, answer in pairs]
        data.write_text("\n".join(rows), encoding="utf-8")
        (tmp_path / "opposites.yaml").write_text(TASK.format(data=data), encoding="utf-8")
        model = f"model=m,base_url={server.url}/v1/completions,tokenizer_backend=none"
        command = [sys.executable, "-m", "lm_eval", "--model", "local-completions"]
        command += ["--model_args", f"{model},tokenized_requests=False,num_concurrent=2"]
        command += ["--tasks", "opposites", "--include_path", str(tmp_path)]
        command += ["--output_path", str(tmp_path / "out")]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
    (result,) = (tmp_path / "out").rglob("results_*.json")
    scores = json.loads(result.read_text(encoding="utf-8"))["results"]["opposites"]
    assert abs(scores["exact_match,none"] - 2 / 3) < 1e-6
