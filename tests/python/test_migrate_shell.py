"""quire migrate-check on what starts servers: shell scripts, Dockerfiles and scripts in Python."""

import pytest

from quire.migrate_check import Script, main
from quire.migrate_check.command import check_file


@pytest.fixture
def check(tmp_path):
    def check_text(text, name="start.sh"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return check_file(str(path))

    return check_text


def fates(findings):
    return {finding.what: finding.fate for finding in findings}


def engines(findings):
    return [(finding.line, finding.what) for finding in findings if finding.fate == "engine"]


SHELL = """\
#!/bin/bash
set -euo pipefail
# vllm serve commented --enable-lora
MODEL=${MODEL:-Qwen/Qwen2.5-7B-Instruct}
PORT=8000; mkdir -p logs
export VLLM_USE_V1=0 VLLM_ATTENTION_BACKEND=FLASHINFER
export VLLM_API_KEY="sk-secret"
nohup vllm serve "$MODEL" \\
    --port ${PORT} --tensor-parallel-size $(nvidia-smi -L | wc -l) \\
    # of one request
    --max-model-len "$MAX" --api-key sk-secret --nosuch $X \\
    --rope-scaling '{"a": "$b"}' --seed 1 > logs/vllm.log 2>&1 &
curl -s localhost:$PORT/v1/models | grep vllm && echo "vllm serve is up"
if [ -n "$TWO" ]; then VLLM_USE_V1=1 exec vllm serve m --num-scheduler-steps 8 "$@"; fi
"""


def test_a_shell_script_is_read_command_by_command(check):
    findings = check(SHELL)
    found = fates(findings)
    assert found["Qwen/Qwen2.5-7B-Instruct"] == "works"
    assert found["--port 8000"] == found["--seed 1"] == "works"
    assert found["--tensor-parallel-size $(nvidia-smi -L | wc -l)"] == "refused"
    assert found["--max-model-len $MAX"] == "unsure"
    assert found["--nosuch $X"] == "refused"
    assert found['--rope-scaling {"a": "$b"}'] in ("refused", "unsure")
    assert found["--num-scheduler-steps 8"] == "refused"
    assert found["$@"] == "unsure"
    assert found["VLLM_ATTENTION_BACKEND=FLASHINFER"] == "changed"
    assert found["VLLM_API_KEY=…"] == found["--api-key …"] == "works"
    assert "sk-secret" not in "".join(map(str, findings))
    assert not any("enable-lora" in what or "log" in what for what in found)
    assert engines(findings) == [(8, "V0"), (14, "V1")]


def test_a_quoted_line_is_read_as_a_shell_does(capsys):
    line = "cd /srv && vllm serve m \\\n  --seed 1 > log 2>&1 & echo $!"
    assert main([line]) == 0
    assert capsys.readouterr().out == "works    m\nworks    --seed 1\nengine   V1\n"


def test_containers_in_a_shell_script_are_read(check):
    findings = check("docker run --gpus all -e HF_TOKEN=t vllm/vllm-openai --model m -tp 2\n")
    assert fates(findings)["-tp 2"] == "refused"
    assert check("docker pull vllm/vllm-openai:latest\npip install vllm\n") == []


def test_a_file_says_what_it_is_by_its_first_line(check):
    assert engines(check("#!/bin/sh\nvllm serve m\n", "start")) == [(2, "V1")]
    script = "#!/usr/bin/env python3\nfrom vllm import LLM\nLLM('m')\n"
    assert engines(check(script, "start")) == [(3, "V1")]


@pytest.mark.parametrize(
    "lines",
    [
        'FROM vllm/vllm-openai:v0.6.3\nCMD ["--model", "m", "--quantization", "awq"]',
        'FROM python:3.12\nCMD ["vllm", "serve", "m", "--quantization", "awq"]',
        "FROM python:3.12\nCMD vllm serve m --quantization awq",
        "FROM python:3.12\nCMD vllm serve m \\\n    --quantization awq",
        'FROM python:3.12\nCMD ["/bin/bash", "-lc", "cd / && vllm serve m --quantization awq"]',
        'FROM python:3.12\nENTRYPOINT ["python3", "-m", "vllm.entrypoints.openai.api_server"]\n'
        'CMD ["--model", "m", "--quantization", "awq"]',
        'FROM python:3.12\nENTRYPOINT ["vllm", "serve", "m", "--quantization", "awq"]',
        "FROM python:3.12\nARG Q=awq\nENV M=m\nCMD vllm serve $M --quantization ${Q}",
    ],
)
def test_what_an_image_starts_is_read_once(check, lines):
    findings = check(lines, "Dockerfile.gpu")
    assert fates(findings)["--quantization awq"] == "refused"
    assert len(engines(findings)) == 1


def test_variables_of_an_image_count(check):
    findings = check("FROM x\nENV VLLM_USE_V1 0\nCMD vllm serve m", "Dockerfile")
    assert fates(findings)["VLLM_USE_V1=0"] == "works"
    assert engines(findings) == [(3, "V0")]
    assert check('FROM x\nENV A=b\nRUN pip install vllm\nCMD ["bash"]', "Dockerfile") == []


@pytest.mark.parametrize(
    "lines",
    [
        'subprocess.Popen(["vllm", "serve", "m", "--quantization", "awq"], env=env)',
        'subprocess.run("vllm serve m --quantization awq", shell=True, check=True)',
        'command = ["vllm", "serve", MODEL]\ncommand += ["--quantization", "awq"]\nrun(command)',
        'command = ["vllm", "serve", "m"]\ncommand.append("--quantization")\n'
        'command.append("awq")\nsubprocess.call(args=command)',
        'os.system("python -m vllm.entrypoints.openai.api_server --model m --quantization awq &")',
        'run([sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--port", str(port),\n'
        '     "--quantization", "awq"])',
    ],
)
def test_servers_that_a_script_starts_are_checked(lines):
    script = Script(f"import os\n{lines}")
    assert fates(script.findings)["--quantization awq"] == "refused"
    assert [engine for _, engine in script.engines] == ["V1"]
