"""Turns the training corpora into one file of chats and texts, the input of train.py.

Usage: python3 prepare.py DATA chats.jsonl.gz

DATA holds (none of it is in this repository):
  sgd/{train,dev,test}.jsonl.gz        Schema-Guided Dialogue, one dialogue a line: {services, messages}
  sgd/{train,dev,test}.schema.json     its services, intents and slots
  fairytaleqa/stories.jsonl            FairytaleQA, one story a line: {title, split, sections, questions}
  instruct/gpteacher_roleplay.json.gz  GPTeacher role play: [{instruction, input, response}]
  text/tinystories.txt                 a part of TinyStories
Each line of the result is {"messages": [...], "tools": [...], "kind"} or {"text": ..., "kind"}; kind
is "chat" or "text" for training, "eval" for the test splits.
"""

import argparse
import gzip
import json
import random
import re
from collections import Counter
from pathlib import Path

import smalltalk

SYSTEM_PROMPTS = (
    "You are a helpful concierge.",
    "You are a helpful assistant.",
    "You help people to plan trips, meals and appointments.",
    "",
    "",
    "",
)
STORY_REQUESTS = (
    "Tell me a short story.",
    "Tell me a story.",
    "Tell me a bedtime story.",
    "Please write a little story for a child.",
)
STORY_BREAK = re.compile(r"\n\n\n+|<\|endoftext\|>|\n(?=Once upon a time|One day,)")
MIN_STORY_CHARS = 80
MAX_ENUM_VALUES = 6
MAX_TOOL_RESULTS = 2


def open_text(path):
    return gzip.open(path, "rt") if path.suffix == ".gz" else path.open()


def chat(kind, messages, tools=()):
    return {"messages": messages, "tools": list(tools), "kind": kind}


def turn(question, answer):
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def system_turn(rng):
    prompt = rng.choice(SYSTEM_PROMPTS)
    return [{"role": "system", "content": prompt}] if prompt else []


def parameter(slot):
    values = slot["possible_values"]
    few = slot["is_categorical"] and len(values) <= MAX_ENUM_VALUES
    return {"type": "string", "enum": values} if few else {"type": "string"}


def read_tools(path):
    """{service: [tool]} from a schema file, one tool per intent."""
    tools = {}
    for service in json.loads(path.read_text()):
        slots = {slot["name"]: slot for slot in service["slots"]}
        for intent in service["intents"]:
            names = [*intent["required_slots"], *intent["optional_slots"]]
            function = {
                "name": intent["name"],
                "description": intent["description"],
                "parameters": {
                    "type": "object",
                    "properties": {name: parameter(slots[name]) for name in names},
                    "required": list(intent["required_slots"]),
                },
            }
            tool = {"type": "function", "function": function}
            tools.setdefault(service["service_name"], []).append(tool)
    return tools


def tool_call(call):
    function = {"name": call["name"].split(".")[-1], "arguments": call["arguments"]}
    return {"type": "function", "function": function}


def dialogue_message(message):
    """A message in the form of the chat template; tool results are cut to the first two."""
    if message["role"] == "tool":
        content = message["content"]
        content = content[:MAX_TOOL_RESULTS] if isinstance(content, list) else content
        return {"role": "tool", "content": json.dumps(content)}
    if message.get("tool_calls"):
        calls = [tool_call(call) for call in message["tool_calls"]]
        return {"role": "assistant", "content": message.get("content") or "", "tool_calls": calls}
    return {"role": message["role"], "content": message["content"]}


def offered_tools(services, tools, rng):
    """The dialogue's own tools and up to two that it does not need, shuffled."""
    own = [tool for name in tools if name in services for tool in tools[name]]
    others = [tool for name in tools if name not in services for tool in tools[name]]
    offered = own + rng.sample(others, rng.choice([0, 0, 1, 2]))
    rng.shuffle(offered)
    return offered


def dialogues(data, rng):
    """Schema-Guided Dialogue: half of the dialogues with tools, half as plain conversation."""
    for split in ("train", "dev", "test"):
        tools = read_tools(data / "sgd" / f"{split}.schema.json")
        for line in open_text(data / "sgd" / f"{split}.jsonl.gz"):
            dialogue = json.loads(line)
            with_tools = rng.random() < 0.5
            plain = [
                m for m in dialogue["messages"] if m["role"] != "tool" and not m.get("tool_calls")
            ]
            messages = dialogue["messages"] if with_tools else plain
            offered = offered_tools(dialogue["services"], tools, rng) if with_tools else []
            turns = system_turn(rng) + [dialogue_message(m) for m in messages]
            yield chat("eval" if split == "test" else "chat", turns, offered)


def story_sections(story, kind, rng):
    title = story["title"]
    for number, section in enumerate(story["sections"], start=1):
        requests = [f"Tell me a story called {title}."]
        if number > 1:
            requests += [f"Tell me the tale of {title}.", f"Tell me part {number} of {title}."]
        yield chat(kind, turn(rng.choice(requests), section))


def story_questions(story, kind):
    """The question after the section that answers it."""
    for item in story["questions"]:
        section = int(item["section"].split(",")[0]) - 1
        if not 0 <= section < len(story["sections"]):
            continue
        question = f"{story['sections'][section]}\n\n{item['question']}"
        system = [{"role": "system", "content": "Answer from the story."}]
        yield chat(kind, system + turn(question, item["answer"]))


def fairytales(data, rng):
    for line in open_text(data / "fairytaleqa" / "stories.jsonl"):
        story = json.loads(line)
        kind = "eval" if story["split"] == "test" else "chat"
        yield from story_sections(story, kind, rng)
        yield from story_questions(story, kind)


def role_play(data):
    for item in json.load(open_text(data / "instruct" / "gpteacher_roleplay.json.gz")):
        question = item["instruction"] + (f"\n{item['input']}" if item.get("input") else "")
        yield chat("chat", turn(question, item["response"]))


def short_stories(data, rng):
    """Each story once as plain text and three times as an answer."""
    for story in STORY_BREAK.split((data / "text" / "tinystories.txt").read_text()):
        story = story.strip()
        if len(story) < MIN_STORY_CHARS:
            continue
        yield {"text": story, "kind": "text"}
        for _ in range(3):
            yield chat("chat", turn(rng.choice(STORY_REQUESTS), story))


def small_talk(rng):
    """Conversations of one to three pairs."""
    pairs = smalltalk.chats(rng)
    rng.shuffle(pairs)
    while pairs:
        count = rng.choice([1, 1, 1, 2, 3])
        turns = [message for pair in pairs[:count] for message in turn(*pair)]
        pairs = pairs[count:]
        yield chat("chat", system_turn(rng) + turns)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("output", type=Path)
    args = parser.parse_args()
    rng = random.Random(7)
    sources = (
        dialogues(args.data, rng),
        fairytales(args.data, rng),
        role_play(args.data),
        short_stories(args.data, rng),
        small_talk(rng),
    )
    counts = Counter()
    with gzip.open(args.output, "wt") as out:
        for source in sources:
            for row in source:
                counts[row["kind"]] += 1
                out.write(json.dumps(row) + "\n")
    print(dict(counts))


if __name__ == "__main__":
    main()
