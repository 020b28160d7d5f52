// workers-ai-provider under `ai`: text at once, streamed, and with a tool.
// Node's fetch heeds no HTTPS_PROXY before Node 24; the dispatcher that does is undici's, which Node's fetch is made of.
import { generateText, jsonSchema, streamText, tool } from "ai";
import { EnvHttpProxyAgent, setGlobalDispatcher } from "undici";
import { createWorkersAI } from "workers-ai-provider";

setGlobalDispatcher(new EnvHttpProxyAgent());
const provider = createWorkersAI({
  accountId: process.env.CLOUDFLARE_ACCOUNT_ID,
  apiKey: process.env.CLOUDFLARE_AUTH_TOKEN,
});
const asked = {
  model: provider(process.argv[2]),
  system: "Be brief.",
  prompt: "Why is the sky blue?",
  maxOutputTokens: 12,
  temperature: 0.5,
  seed: 7,
  maxRetries: 0,
};
const weather = tool({
  description: "Tells the weather of a city.",
  inputSchema: jsonSchema({
    type: "object",
    required: ["city"],
    properties: { city: { type: "string", description: "Name of the city." } },
  }),
});
const atOnce = await generateText(asked);
const streamed = streamText(asked);
const pieces = [];
for await (const piece of streamed.textStream) pieces.push(piece);
const called = await generateText({
  ...asked,
  prompt: "What is the weather in Paris?",
  tools: { get_weather: weather },
});
console.log(
  JSON.stringify({
    "at once": atOnce.text,
    usage: atOnce.usage.totalTokens,
    pieces,
    finish: await streamed.finishReason,
    called: called.toolCalls.map(({ toolName, input }) => ({ name: toolName, input })),
  }),
);
