"""LangChain's VLLM class runs on this package."""

from langchain_community.llms import VLLM
from langchain_core.prompts import PromptTemplate
from users import MODEL


def test_a_chain_completes_prompts():
    llm = VLLM(
        model=MODEL,
        temperature=0,
        max_new_tokens=12,
        trust_remote_code=True,
        vllm_kwargs={"max_model_len": 256, "gpu_memory_utilization": 0.1},
    )
    chain = PromptTemplate.from_template("Once upon a time there was {who}") | llm
    one = chain.invoke({"who": "a dog"})
    assert one and one == llm.invoke("Once upon a time there was a dog")
    texts = chain.batch([{"who": "a dog"}, {"who": "a girl"}])
    assert texts[0] == one and texts[1]
    word = one.split()[-1]
    assert word not in llm.invoke("Once upon a time there was a dog", stop=[word])
