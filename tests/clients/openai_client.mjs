// The official openai package for JavaScript. Environment: QUIRE_URL, and NODE_PACKAGES, the folder
// whose node_modules has the package. Each argument is the name of a case to run.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.NODE_PACKAGES}/`);
const OpenAI = require("openai");
const client = new OpenAI({
  baseURL: `${process.env.QUIRE_URL}/v1`,
  apiKey: "none",
  maxRetries: 0,
});

const model = "small-chat";
const question = [{ role: "user", content: "What is the capital of France?" }];
const weather = [{ role: "user", content: "What is the weather in Rome?" }];
const parameters = { type: "object", properties: { city: { type: "string" } } };
const tool = { name: "GetWeather", description: "Weather of a city", parameters };

const cases = {
  async lists_models() {
    const models = await client.models.list();
    assert.deepEqual(models.data.map((entry) => entry.id), [model]);
  },
  async completes() {
    const answer = await client.completions.create({ model, prompt: "Once", max_tokens: 5 });
    assert.equal(answer.usage.completion_tokens, 5);
  },
  async chats() {
    const options = { model, messages: question, temperature: 0, max_tokens: 16 };
    const answer = await client.chat.completions.create(options);
    const whole = answer.choices[0].message.content;
    assert.match(whole, /Paris/);
    let text = "";
    for await (const chunk of await client.chat.completions.create({ ...options, stream: true })) {
      text += chunk.choices[0]?.delta?.content ?? "";
    }
    assert.equal(text, whole);
  },
  async calls_tools() {
    const stream = client.chat.completions.stream({
      model,
      messages: weather,
      temperature: 0,
      tools: [{ type: "function", function: tool }],
    });
    const answer = await stream.finalChatCompletion();
    const call = answer.choices[0].message.tool_calls[0];
    assert.equal(call.function.name, "GetWeather");
    assert.equal(typeof JSON.parse(call.function.arguments).city, "string");
  },
  async responds() {
    const options = { model, input: question, temperature: 0, max_output_tokens: 16 };
    const response = await client.responses.create(options);
    assert.match(response.output_text, /Paris/);
    const stream = client.responses.stream(options);
    const types = [];
    stream.on("event", (event) => types.push(event.type));
    const final = await stream.finalResponse();
    assert.equal(final.output_text, response.output_text);
    assert.equal(types[0], "response.created");
  },
  async aborts_a_stream() {
    const options = { model, prompt: "Once", max_tokens: 1000, stream: true };
    const stream = await client.completions.create({ ...options, ignore_eos: true });
    let count = 0;
    for await (const _ of stream) {
      if (++count === 3) stream.controller.abort();
    }
    assert.ok(count < 900);
    assert.equal((await client.models.list()).data.length, 1);
  },
  async tells_errors() {
    const wrong = client.chat.completions.create({ model: "gpt-4", messages: question });
    await assert.rejects(wrong, (error) => error.status === 404 && error.param === "model");
  },
};

for (const name of process.argv.slice(2)) {
  await cases[name]();
}
