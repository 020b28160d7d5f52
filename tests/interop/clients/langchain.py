"""langchain-cloudflare: a chat model, asked at once, streamed, and with a tool."""

import json
import os
import sys

from langchain_cloudflare import ChatCloudflareWorkersAI
from langchain_core.messages import HumanMessage, SystemMessage

model = ChatCloudflareWorkersAI(
    account_id=os.environ["CLOUDFLARE_ACCOUNT_ID"],
    api_token=os.environ["CLOUDFLARE_AUTH_TOKEN"],
    model=sys.argv[1],
    max_tokens=12,
    temperature=0.5,
)
TOOL = {
    "name": "get_weather",
    "description": "Tells the weather of a city.",
    "parameters": {
        "type": "object",
        "required": ["city"],
        "properties": {"city": {"type": "string", "description": "Name of the city."}},
    },
}
asked = [SystemMessage("Be brief."), HumanMessage("Why is the sky blue?")]
at_once = model.invoke(asked).content
pieces = [chunk.content for chunk in model.stream(asked)]
called = model.bind_tools([TOOL]).invoke("What is the weather in Paris?").tool_calls
print(json.dumps({"at once": at_once, "pieces": pieces, "called": called}))
